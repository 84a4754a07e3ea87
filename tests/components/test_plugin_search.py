"""A whole search, and the command, over a space that another distribution brings along."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from archsmith.testing.plugins import TOWERS, install
from archsmith.testing.searches import tiny

pytestmark = pytest.mark.usefixtures("as_a_user")

CHAIN = "{name: chain, layers: {min: 1, max: 2}, operations: [conv], filters: [8, 16], kernels: [3], strides: [1, 2]}"


def archsmith(site: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command as a user does who has installed the distribution in `site`."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "archsmith", *arguments]
    return subprocess.run(command, env=environment, cwd=site, capture_output=True, text=True, check=False)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the space `towers`, and a broken one."""
    install(tmp_path, "my-towers", {"towers": "towers:TowersConfig"}, towers=TOWERS)
    install(tmp_path, "bad-luck", {"broken": "broken:Config"}, broken="import nothing_of_this_name")
    return tmp_path


@pytest.mark.cluster  # for its length; it needs none
def test_the_command_lists_it_and_says_what_is_broken(site: Path) -> None:
    rows = {row["name"]: row for row in json.loads(archsmith(site, "spaces", "--json").stdout)}
    assert rows["towers"]["size"] == 3 * 2
    assert "of the distribution 'bad-luck'" in rows["broken"]["error"]
    shown = archsmith(site, "spaces")
    assert shown.returncode == 0
    assert any(line.split()[:4] == ["towers", "6", "Towers", "of"] for line in shown.stdout.splitlines())


@pytest.mark.cluster  # for its length; it needs none
def test_check_refuses_a_broken_one_with_the_line(site: Path) -> None:
    file = tiny(site, (CHAIN, "{name: broken}"))
    refused = archsmith(site, "check", str(file))
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"archsmith: {file}:6: spec.space.name: The space 'broken' of the distribution 'bad-luck'")
    file = tiny(site, (CHAIN, "{name: tower}"))
    assert "Did you mean 'towers'?" in archsmith(site, "check", str(file)).stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('TowersSpace("towers"', 'TowersSpace("tower"', "the space 'towers' calls itself 'tower', but the two must be the same"),
        ("def layers(", "def stack(", "the space 'towers' has no method `layers`, but needs it"),
    ],
)
def test_check_refuses_a_space_that_lacks_what_a_search_needs(site: Path, old: str, new: str, said: str) -> None:
    (site / "towers.py").write_text(TOWERS.replace(old, new))
    refused = archsmith(site, "check", str(tiny(site, (CHAIN, "{name: towers}"))))
    assert refused.returncode == 2
    assert f"search.yaml:6: spec.space.name: {said}" in refused.stderr


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_search_over_it_runs_to_its_end(site: Path) -> None:
    towers = "{name: towers, height: 2, training: {learning_rate: [0.05, 0.1]}}"
    file = tiny(site, (CHAIN, towers), ("trials: 6, rounds: 3", "trials: 3, rounds: 1"))
    assert archsmith(site, "check", str(file)).returncode == 0
    done = archsmith(site, "run", str(file), "--store", "runs")
    assert done.returncode == 0, done.stderr
    shown = json.loads(archsmith(site, "show", "tiny", "--store", "runs", "--json").stdout)
    assert shown["phase"] == "done"
    assert set(shown["winner"]["decisions"]) == {"height", "filters", "training.learning_rate"}
    assert (site / "runs/searches/tiny/best/model.onnx").is_file()
