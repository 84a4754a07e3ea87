"""How the command ends, for whoever starts it again or does not."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from archsmith.cli import exit_status
from archsmith.errors import ArchsmithError, KilledError, NoWinnerError, SpecError, UnavailableError
from archsmith.steps.main import ERROR_FILE
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import tiny

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("error", "status"),
    [(UnavailableError("away"), 75), (KilledError("killed"), 75), (SpecError("wrong"), 2), (NoWinnerError("none"), 1)],
)
def test_the_status_says_whether_the_same_call_may_succeed_later(error: ArchsmithError, status: int) -> None:
    assert exit_status(error) == status


def test_what_the_user_can_mend_exits_with_2_and_leaves_its_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ERROR_FILE, str(tmp_path / "error.json"))
    assert run("check", "none.yaml")[0] == 2
    assert json.loads((tmp_path / "error.json").read_text())["kind"] == "SpecError"


def test_the_command_leaves_the_handler_of_sigterm_as_it_was(run: Run) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run("--version")
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.usefixtures("as_a_user")
def test_sigterm_ends_a_run_and_its_workers_in_seconds_and_keeps_what_is_done(tmp_path: Path) -> None:
    file, place = tiny(tmp_path, ("trials: 6, rounds: 3", "trials: 3, rounds: 3")), tmp_path / "runs"
    command = [sys.executable, "-m", "archsmith", "run", str(file), "--store", str(place)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not SearchFolder(open_store(str(place)), "tiny").history():
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    below = psutil.Process(first.pid).children(recursive=True)
    assert below
    begin = time.monotonic()
    first.send_signal(signal.SIGTERM)
    _, err = first.communicate(timeout=120)
    assert time.monotonic() - begin < 60
    assert (first.returncode, err.splitlines()[-1]) == (143, "Stopped. The same command goes on from here.")
    _, alive = psutil.wait_procs(below, timeout=30)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            assert process.status() == psutil.STATUS_ZOMBIE
    history = SearchFolder(open_store(str(place)), "tiny").history()
    assert [trial.status for trial in history.trials][:1] == ["complete"]
