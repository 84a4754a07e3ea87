"""The process that logs for a `BackgroundTracker`: `python -m archsmith.tracking.worker FD`.

It is a process of its own, because importing MLflow takes seconds that the search's process has
better use for, because a call to a server that hangs can only be ended with its process, and because
MLflow's switches are environment variables.
"""

import base64
import json
import os
import sys
import threading
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from archsmith.errors import ArchsmithError
from archsmith.machine import environment
from archsmith.tracking.machine import Machine
from archsmith.tracking.places import redact
from archsmith.tracking.supernet import SharedWeights
from archsmith.tracking.tracked import TrackedSearch
from archsmith.tracking.tracker import Tracker
from archsmith.values import SupernetEpoch, Trial


def serve(connection: Connection) -> None:
    """Answer until the other end is gone.

    The first message names the search and the tracking URI; each one after it brings trials and epochs of shared weights
    that are new, and pictures, and is answered with None when all so far are logged, or with what went wrong.
    """
    first = json.loads(connection.recv_bytes())
    tracker, machine = Tracker(TrackedSearch.from_dict(first["search"]), first["uri"]), Machine(first["uri"])
    trials: dict[str, Trial] = {}
    epochs: dict[int, SupernetEpoch] = {}
    files: dict[str, bytes] = {}
    messages: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, messages), daemon=True).start()
    while True:
        message = json.loads(messages.get())
        trials |= {trial.id: trial for trial in map(Trial.from_dict, message["trials"])}
        epochs |= {record.epoch: record for record in map(SupernetEpoch.from_dict, message["epochs"])}
        files |= {name: base64.b64decode(data) for name, data in message["files"].items()}
        error = _attempt(tracker, trials, SharedWeights(tuple(epochs.values()), files))
        files = files if error else {}
        connection.send_bytes(json.dumps(error).encode())
        machine.watch(tracker.run_id)


def _receive(connection: Connection, messages: "SimpleQueue[bytes]") -> None:
    """Take messages in; once the other end is gone, end this process, even in the middle of a call to MLflow."""
    try:
        while True:
            messages.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def _attempt(tracker: Tracker, trials: dict[str, Trial], shared: SharedWeights) -> str | None:
    """Catch up, and say what went wrong."""
    try:
        tracker.sync(trials.values(), shared)
    except ArchsmithError as error:
        return str(error)
    except Exception as error:
        return redact(f"{type(error).__name__}: {error}")
    return None


def main(argv: list[str] = sys.argv) -> Any:
    """Serve on the file descriptor given, behind those that train."""
    os.nice(10)
    environment.tidy()
    try:
        serve(Connection(int(argv[1])))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
