"""A warm process for the steps of a local run: torch and the images are loaded once, and each step is a fork.

On a cluster a step is a pod, and pays for its imports. On a laptop a pipeline of many short steps would spend most
of its time on them, so there the task that KFP starts passes its step on to this process: over a socket
go the step's name and its arguments, as JSON, and the task's standard error; back comes the result.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from archsmith import errors
from archsmith.errors import ArchsmithError, PermanentError
from archsmith.machine.children import environment
from archsmith.opening import going_on
from archsmith.search import Search, parse
from archsmith.steps.client import VARIABLE
from archsmith.steps.lifeline import die_with_parent
from archsmith.steps.sockets import address_of
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder


@contextlib.contextmanager
def served(search: Search, store: str, folder: Path) -> Iterator[None]:
    """Start the server for the tasks of `search`, kept at `store`, while the body runs; its socket lies in `folder`."""
    address = folder / "steps"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        with address_of(address) as short:
            listener.bind(short)
        listener.listen()
        process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", "archsmith.steps.server", str(listener.fileno()), str(os.getpid()), store],
            pass_fds=[listener.fileno()],
            stdin=subprocess.PIPE,
            env=environment(),
        )
    # The listener is closed here: were it open, a task whose server is dead would be connected, and wait for ever.
    os.environ[VARIABLE] = str(address)
    try:
        assert process.stdin is not None
        process.stdin.write(search.text.encode())
        process.stdin.close()
        yield
    finally:
        del os.environ[VARIABLE]
        process.kill()
        process.wait()


def _serve(listener: socket.socket, search: Search, store: str) -> None:
    """Fork for each request, for as long as the parent lives."""
    parent = os.getpid()
    while True:
        connection, _ = listener.accept()
        if search.open:
            search = _as_chosen(search, store)
        if os.fork() == 0:
            listener.close()
            die_with_parent(parent)
            _answer(connection)
            os._exit(0)
        connection.close()
        while _reap():
            pass


def _reap() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _answer(connection: socket.socket) -> None:
    header, descriptors, _, _ = socket.recv_fds(connection, 8, 1)
    os.dup2(descriptors[0], 2)
    os.dup2(descriptors[0], 1)
    with connection.makefile("rwb") as stream:
        request = json.loads(stream.read(int.from_bytes(header, "big")))
        reply = _run(request["step"], request["arguments"])
        stream.write(json.dumps(reply).encode())


def _run(step: str, arguments: Sequence[Any]) -> dict[str, Any]:
    from archsmith.steps import main

    try:
        return {"value": main.run_step(step, *arguments)}
    except ArchsmithError as error:
        return {"error": errors.to_dict(error)}
    except Exception as error:
        traceback.print_exc()
        said = f"The step {step!r} failed: {type(error).__name__}: {error}. The log of the run has the traceback."
        return {"error": errors.to_dict(PermanentError(said))}


def _as_chosen(search: Search, store: str) -> Search:
    """Return an open search as the first step has chosen it, its images loaded; as it is before that."""
    chosen = None
    with contextlib.suppress(Exception):
        chosen = going_on(SearchFolder(open_store(store), search.name), search, store)
    if chosen is None:
        return search
    _load(chosen)
    return chosen


def _load(search: Search) -> None:
    """Load what every step needs; where the images or the table can't be had, the first step says so."""
    if search.table:
        from archsmith.steps.table import load_table

        with contextlib.suppress(Exception):
            load_table(search)
    if not search.retrains:
        return
    from archsmith.steps.preload import preload

    preload()  # before anything else imports torch, so that forks are safe
    from archsmith.steps.images import fitted, load_images

    with contextlib.suppress(Exception):
        fitted(search) if search.open else load_images(search)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[2]))
    os.environ.pop(VARIABLE, None)
    begun = parse(sys.stdin.read())
    _load(begun)
    with socket.socket(fileno=int(sys.argv[1])) as given:
        _serve(given, begun, sys.argv[3])
