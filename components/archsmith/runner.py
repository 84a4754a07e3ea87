"""A search on this machine: the pipeline that a cluster would run, run here, watched and tracked from outside."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from archsmith import errors
from archsmith.errors import ArchsmithError, SearchConflictError
from archsmith.result import Result
from archsmith.search import Search, load
from archsmith.snapshot import Snapshot
from archsmith.steps.main import ERROR_FILE
from archsmith.steps.sample_space import refuse_other
from archsmith.steps.track import ELSEWHERE, tracked_search
from archsmith.stores import absolute_uri, default_uri, open_store
from archsmith.stores.folder import SearchFolder
from archsmith.tracking import BackgroundTracker, resolve_uri

LOOK_EVERY_S = 1.0
THREADS_SLEEP = {} if "OMP_WAIT_POLICY" in os.environ else {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads of torch that wait must sleep: spinning, they slow small networks severalfold where cores are shared."""

Watcher = Callable[[Snapshot], None]


def run(file: str | Path, *, store: str | None = None, watch: Watcher | None = None) -> Result:
    """Run the search of a search file to its end; where it was begun before, go on.

    Args:
        file: Path of the search file.
        store: URI of the store; that of the file, ARCHSMITH_STORE, or ./runs where it is left out.
        watch: Called about once a second with how the search stands.

    Raises:
        SpecError: The file is wrong, or no architecture keeps its limits.
        DataError: The images are missing or can't be used.
        SearchConflictError: The store holds another search of this name, or it is running now.
        NoWinnerError: No trial is complete and within the limits; there is a report all the same.
    """
    search = load(file)
    uri = store_uri(search, store)
    folder = SearchFolder(open_store(uri), search.name)
    with _only_one(folder, search.name) as log:
        if (before := folder.read_search()) is not None:
            refuse_other(search, before, uri)
        _run_pipeline(search, folder, uri, log, watch)
    return Result(folder, search, uri)


def store_uri(search: Search, store: str | None) -> str:
    """Return the store's URI; that of a folder is absolute, so that every process means the same one."""
    return absolute_uri(store or search.spec.storage.uri or default_uri())


def log_path(folder: SearchFolder) -> Path:
    """Return where the log of a run goes: into the search's folder, or for a store elsewhere into the current one."""
    place = folder.uri("run.log")
    return Path(f"{folder.name}.log") if place.startswith("s3://") else Path(place)


@contextlib.contextmanager
def _only_one(folder: SearchFolder, name: str) -> Iterator[IO[bytes]]:
    """Open the log, and hold it as a lock: two runs of a search at once would train everything twice."""
    path = log_path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SearchConflictError(
                f"The search {name!r} is running already; look at it with `archsmith watch {name}`, or end that run first."
            ) from error
        yield log


def first_open_round(search: Search, folder: SearchFolder) -> int:
    """Return the first round that is not complete."""
    for round_ in range(max(0, folder.rounds() - 1), search.spec.budget.n_rounds):
        if folder.proposals(round_) is None or folder.pending(round_):
            return round_
    return search.spec.budget.n_rounds


def _run_pipeline(search: Search, folder: SearchFolder, uri: str, log: IO[bytes], watch: Watcher | None) -> None:
    with tempfile.NamedTemporaryFile("r", suffix=".json") as error_file:
        process = subprocess.Popen(  # noqa: S603  our own module; the file comes by standard input
            [sys.executable, "-m", "archsmith_pipelines.local", uri, str(first_open_round(search, folder)), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                **THREADS_SLEEP,
                ELSEWHERE: "1",
                ERROR_FILE: error_file.name,
                "PYTHONUNBUFFERED": "1",
            },
            start_new_session=True,  # Ctrl-C is for this process, which then ends that one
        )
        try:
            assert process.stdin is not None
            process.stdin.write(search.text.encode())
            process.stdin.close()
            _follow(process, search, folder, uri, watch)
        finally:
            _end(process)
        if process.returncode:
            raise _error(error_file.read(), log_path(folder))


def _follow(process: "subprocess.Popen[bytes]", search: Search, folder: SearchFolder, uri: str, watch: Watcher | None) -> None:
    """Show and track the search while the pipeline runs."""
    with contextlib.ExitStack() as stack:
        tracked, ended = not search.spec.tracking.enabled, False
        while not ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_EVERY_S)
                ended = True
            with contextlib.suppress(errors.TransientError):
                if folder.read_json("space.json") is None:
                    continue  # the first step has not found the search fit to run
                if not tracked:
                    stack.enter_context(_tracker(search, folder, uri))
                    tracked = True
                if watch:
                    watch(Snapshot.read(folder, search))


def _tracker(search: Search, folder: SearchFolder, uri: str) -> BackgroundTracker:
    """Return what logs trials into MLflow beside the pipeline."""
    return BackgroundTracker(tracked_search(folder, search), resolve_uri(search.spec.tracking.uri, uri), folder.history)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the pipeline; its tasks and their workers die with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _error(written: str, log: Path) -> ArchsmithError:
    """Make the error that a step left."""
    if not written:
        return errors.PermanentError(f"The pipeline ended before the search did; the log says why: {log}")
    return errors.from_dict(json.loads(written))
