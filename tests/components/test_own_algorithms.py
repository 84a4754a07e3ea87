"""The example distribution, installed into an environment of its own: its tests, and searches with what it brings along."""

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "own-algorithms"

Python = Callable[..., str]

pytestmark = [pytest.mark.cluster, pytest.mark.long]  # for its length; it needs none


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Python:
    """Install the example with pip into an environment that has Archsmith; return what runs Python there."""
    folder = tmp_path_factory.mktemp("own")
    project = shutil.copytree(EXAMPLE, folder / "project", ignore=shutil.ignore_patterns("dist", "*.egg-info", "__pycache__"))
    for file in project.glob("*.yaml"):
        text = file.read_text().replace("budget: {trials: 16}", "budget: {trials: 8}").replace("epochs: 10}", "epochs: 2}")
        file.write_text(f"{text}  baseline: none\n  tracking: {{enabled: false}}\n")
    venv.create(folder / "env", with_pip=True)
    site = next((folder / "env" / "lib").glob("python3*")) / "site-packages"
    here = [path for path in sys.path if path and Path(path).is_dir() and "lib-dynload" not in path and path != str(Path.cwd())]
    (site / "archsmith.pth").write_text("\n".join(p for p in here if p.endswith(("site-packages", "components", "pipelines"))))

    def run(*arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "ARCHSMITH_STORE"}}
        command = [str(folder / "env" / "bin" / "python"), *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", str(project))
    return run


def test_its_own_tests_hold_it_to_the_suites_of_ours(python: Python) -> None:
    said = python("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "project/tests")
    assert " passed" in said
    assert "failed" not in said


def test_the_lists_have_it(python: Python) -> None:
    for kind, name in (("strategies", "annealing"), ("estimators", "class-means"), ("stoppers", "last-value")):
        rows = {row["name"]: row for row in json.loads(python("-m", "archsmith", kind, "--json"))}
        assert rows[name]["distribution"] == "own-algorithms"


def test_a_search_with_its_strategy_and_its_stopper_runs_to_its_end(python: Python) -> None:
    python("-m", "archsmith", "run", "project/search.yaml", "--store", "runs")
    shown = json.loads(python("-m", "archsmith", "show", "own-algorithms", "--store", "runs", "--json"))
    assert shown["phase"] == "done"
    assert shown["trials"]["complete"] + shown["trials"]["stopped"] == 8


def test_a_search_by_its_estimator_runs_to_its_end_and_its_winner_is_trained(python: Python) -> None:
    python("-m", "archsmith", "run", "project/means.yaml", "--store", "runs")
    shown = json.loads(python("-m", "archsmith", "show", "own-estimator", "--store", "runs", "--json"))
    assert (shown["phase"], shown["trials"]["complete"]) == ("done", 8)
    assert 0 < shown["winner"]["metrics"]["separation"] < 1
    assert 0 < shown["test_accuracy"] <= 1
