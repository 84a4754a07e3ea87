"""The process that logs, spoken to as `BackgroundTracker` does."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from archsmith.tracking import TrackedSearch
from archsmith.values import Trial


@contextmanager
def worker(search: TrackedSearch, uri: str) -> Iterator[tuple[Connection, "subprocess.Popen[bytes]"]]:
    ours, theirs = Pipe()
    with theirs:
        command = [sys.executable, "-m", "archsmith.tracking.worker", str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with process, ours:
        ours.send_bytes(json.dumps({"search": search.to_dict(), "uri": uri}).encode())
        yield ours, process


def ask(connection: Connection, trials: list[Trial]) -> Any:
    connection.send_bytes(json.dumps([trial.to_dict() for trial in trials]).encode())
    assert connection.poll(60)
    return json.loads(connection.recv_bytes())


def test_it_logs_what_it_is_sent_and_ends_when_nobody_is_there_any_more(search, make_trial, sqlite_uri, look) -> None:
    with worker(search, sqlite_uri) as (connection, process):
        assert ask(connection, [make_trial(0)]) is None
        assert ask(connection, [make_trial(1)]) is None
        connection.close()
        assert process.wait(10) == 0
        assert process.stdout is not None
        assert process.stdout.read() == b""
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert len(mlflow.trials(run)) == 2
    assert run.data.metrics["trials"] == 2


def test_it_answers_with_what_went_wrong_and_lives_on(search, make_trial) -> None:
    with worker(search, "http://me:secret@127.0.0.1:9") as (connection, _):
        for _ in range(2):
            answer = ask(connection, [make_trial(0)])
            assert answer.startswith("MLflow at http://***@127.0.0.1:9")
            assert "secret" not in answer


def test_it_ends_with_the_other_end_even_while_a_server_hangs(search: TrackedSearch, make_trial) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        with worker(search, f"http://127.0.0.1:{silent.getsockname()[1]}") as (connection, process):
            connection.send_bytes(json.dumps([make_trial(0).to_dict()]).encode())
            asked, _ = silent.accept()
            with asked:  # no answer comes, for which it waits 5 s
                connection.close()
                assert process.wait(2) == 0
