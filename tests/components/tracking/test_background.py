"""Tracking beside a running search, with its own process, against real and dead servers."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from archsmith.tracking import BackgroundTracker, SharedWeights
from archsmith.values import SupernetEpoch, Trial


def wait_for(condition: Callable[[], bool], timeout_s: float = 240) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.1)


def n_trials(mlflow, name: str = "digits-chain") -> int:
    return sum(t.info.status == "FINISHED" for run in mlflow.runs(name) for t in mlflow.trials(run))


def children() -> list[int]:
    """The worker processes of this process."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it ends right now
            if "archsmith.tracking.worker" in child.cmdline():
                found.append(child.pid)
    return found


@pytest.mark.cluster  # for its length; it needs none
def test_trials_and_epochs_are_logged_once_while_the_search_runs_even_if_the_worker_is_killed(
    search, make_trial, sqlite_uri, look
) -> None:
    trials: list[Trial] = []
    epochs: list[SupernetEpoch] = []

    def shared() -> SharedWeights:
        return SharedWeights(tuple(epochs))

    def n_epochs() -> int:
        nested = [run for found in mlflow.runs() for run in mlflow.nested(found) if run.info.run_name == "shared weights"]
        return max((int(run.data.metrics.get("epochs", 0)) for run in nested), default=0)

    tracker, mlflow = BackgroundTracker(search, sqlite_uri, lambda: list(trials), shared, every_s=0.1), look(sqlite_uri)
    wait_for(lambda: len(mlflow.runs()) == 1)
    epochs.append(SupernetEpoch(1, 9, 1.5, 2.0))
    wait_for(lambda: n_epochs() == 1)
    for n in range(3):
        if n == 2:
            epochs.append(SupernetEpoch(2, 18, 1.25, 4.0))
            os.kill(children()[0], signal.SIGKILL)
        trials.append(make_trial(n))
        wait_for(lambda n=n: n_trials(mlflow) == n + 1)
    trials.append(make_trial(3))
    assert tracker.close(30) == 0
    assert n_trials(mlflow) == 4
    assert n_epochs() == 2
    assert len(mlflow.runs()) == 1
    assert children() == []


@pytest.mark.cluster  # for its length; it needs none
def test_a_server_that_never_answers_does_not_hold_up_the_end(search, make_trial, silent_uri, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        uri = silent_uri.replace("//", "//me:secret@")
        tracker = BackgroundTracker(search, uri, lambda: [make_trial(0), make_trial(1)])
        time.sleep(4)  # MLflow is imported, and the first call hangs
        began = time.monotonic()
        assert tracker.close(2.0) == 2
        assert time.monotonic() - began < 5  # and not as long as MLflow tries
    (line,) = caplog.messages
    assert "lacks 2 of the trials of the search 'digits-chain'" in line
    assert "`archsmith sync digits-chain`" in line
    assert "secret" not in line
    wait_for(lambda: children() == [], 60)


def test_an_end_right_after_the_start_takes_no_longer_either(search, make_trial, sqlite_uri) -> None:
    tracker = BackgroundTracker(search, sqlite_uri, lambda: [make_trial(0)])
    began = time.monotonic()
    tracker.close(0.5)
    assert time.monotonic() - began < 3  # and not only when its process has begun
    wait_for(lambda: children() == [], 60)


@pytest.mark.cluster  # for its length; it needs none
def test_a_server_that_comes_back_gets_what_it_missed(search, make_trial, stopped_server, look) -> None:
    search = replace(search, name="back-again")
    trials = [make_trial(0)]
    tracker = BackgroundTracker(search, stopped_server.uri, lambda: list(trials), every_s=0.2)
    time.sleep(4)  # the first trial can't be logged
    stopped_server.start()
    trials += [make_trial(1)]
    mlflow = look(stopped_server.uri)
    wait_for(lambda: n_trials(mlflow, "back-again") == 2)
    assert tracker.close(30) == 0


def test_trials_that_cannot_be_read_now_are_logged_later(search, make_trial, sqlite_uri, look) -> None:
    answers = iter([OSError("the store is down"), OSError("still")])

    def pull() -> list[Trial]:
        if error := next(answers, None):
            raise error
        return [make_trial(0)]

    with BackgroundTracker(search, sqlite_uri, pull, every_s=0.1):
        mlflow = look(sqlite_uri)
        wait_for(lambda: n_trials(mlflow) == 1)


def test_importing_tracking_imports_nothing_of_mlflow() -> None:
    code = "import sys, archsmith.tracking; print([m for m in ('mlflow', 'torch', 'onnx', 'sqlalchemy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
