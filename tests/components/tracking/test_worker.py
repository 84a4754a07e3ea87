"""The process that logs, spoken to as `BackgroundTracker` does."""

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import pytest

from archsmith.tracking import TrackedSearch
from archsmith.values import SupernetEpoch, Trial


@contextmanager
def worker(search: TrackedSearch, uri: str) -> Iterator[tuple[Connection, "subprocess.Popen[bytes]"]]:
    ours, theirs = Pipe()
    with theirs:
        command = [sys.executable, "-m", "archsmith.tracking.worker", str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with process, ours:
        ours.send_bytes(json.dumps({"search": search.to_dict(), "uri": uri}).encode())
        yield ours, process


def message(trials: list[Trial], epochs: Sequence[SupernetEpoch] = (), files: Mapping[str, bytes] | None = None) -> bytes:
    pictures = {name: base64.b64encode(data).decode() for name, data in (files or {}).items()}
    known = {"trials": [trial.to_dict() for trial in trials], "epochs": [r.to_dict() for r in epochs], "files": pictures}
    return json.dumps(known).encode()


def ask(connection: Connection, *known: Any) -> Any:
    connection.send_bytes(message(*known))
    assert connection.poll(240)
    return json.loads(connection.recv_bytes())


def test_it_logs_what_it_is_sent_and_ends_when_nobody_is_there_any_more(search, make_trial, sqlite_uri, look) -> None:
    with worker(search, sqlite_uri) as (connection, process):
        assert ask(connection, [], [SupernetEpoch(1, 9, 1.5, 2.0)]) is None
        assert ask(connection, [], [SupernetEpoch(2, 18, 1.25, 4.0)], {"probabilities.png": b"a picture"}) is None
        assert ask(connection, [make_trial(0)]) is None
        assert ask(connection, [make_trial(1)]) is None
        connection.close()
        assert process.wait(60) == 0
        assert process.stdout is not None
        assert process.stdout.read() == b""
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert len(mlflow.trials(run)) == 2
    assert run.data.metrics["trials"] == 2
    (shared,) = [nested for nested in mlflow.nested(run) if nested.info.run_name == "shared weights"]
    assert (shared.data.metrics["train_loss"], shared.info.status) == (1.25, "FINISHED")
    assert mlflow.files(shared) == ["probabilities.png"]


@pytest.mark.cluster  # for its length; it needs none
def test_it_answers_with_what_went_wrong_and_lives_on(search, make_trial) -> None:
    with worker(search, "http://me:secret@127.0.0.1:9") as (connection, _):
        for _ in range(2):
            answer = ask(connection, [make_trial(0)])
            assert answer.startswith("MLflow at http://***@127.0.0.1:9")
            assert "secret" not in answer


@pytest.mark.cluster  # for its length; it needs none
def test_it_ends_with_the_other_end_even_while_a_server_hangs(search: TrackedSearch, make_trial) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        with worker(search, f"http://127.0.0.1:{silent.getsockname()[1]}") as (connection, process):
            connection.send_bytes(message([make_trial(0)]))
            asked, _ = silent.accept()
            with asked:  # no answer comes, for which it waits 5 s
                connection.close()
                assert process.wait(2) == 0
