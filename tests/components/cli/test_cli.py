import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from archsmith import __version__
from archsmith.cli import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("arguments", [["nothing"], ["show"], ["show", "a", "b"], ["init", "--nothing"]], ids=" ".join)
def test_wrong_use_exits_with_2(run: Run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert "Usage: archsmith" in err


def test_without_a_command_it_says_what_there_is(run: Run) -> None:
    status, out, err = run()
    assert status == 2
    assert "Commands:" in out + err


def test_white_space_around_what_the_environment_says_of_servers_is_taken_off_for_all_that_follows(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_TOKEN"):  # which MLflow itself reads
        monkeypatch.setenv(name, "hush\n")
    assert run("strategies")[0] == 0
    assert (os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["MLFLOW_TRACKING_TOKEN"]) == ("hush", "hush")


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version")[:2] == (0, f"archsmith, version {__version__}\n")


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_has_a_help_with_an_example(run: Run, name: str) -> None:
    status, out, _ = run(name, "--help")
    assert status == 0
    assert f"Example:\n    archsmith {name}" in out


def test_the_installed_command_is_this_one(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("archsmith")), "check", "none.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    as_module = subprocess.run([sys.executable, "-m", "archsmith", "--version"], capture_output=True, text=True, check=True)
    assert as_module.stdout.split()[-1] == __version__
