"""A search on this machine: the pipeline that a cluster would run, run here, watched and tracked from outside."""

import contextlib
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from archsmith import errors
from archsmith.advice import advice
from archsmith.ending import missing
from archsmith.errors import ArchsmithError, KilledError, PermanentError, SearchConflictError, SpecError
from archsmith.machine.children import environment
from archsmith.machine.waiting import WAITING
from archsmith.opening import going_on, read_search
from archsmith.search import Search, from_object, load
from archsmith.steps.beside import told
from archsmith.steps.deadline import BEGAN, MEASURES
from archsmith.steps.finished import is_finished, refuse_without_winner
from archsmith.steps.main import ERROR_FILE
from archsmith.steps.rounds import open_rounds
from archsmith.steps.track import ELSEWHERE, SharedSoFar, tracked_search
from archsmith.stores import absolute_uri, default_uri, open_store
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.tracking import BackgroundTracker, look_after, resolve_uri
from archsmith.values.proposals import digest
from archsmith.views.result import Result
from archsmith.views.snapshot import Snapshot

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
PAUSES = 9.0
"""Pauses between two looks, in times of a look: at a long history, watching takes no more than a tenth of a core."""
PATIENCE_S = 3.0
"""Longest wait for the processes of a run that was just killed to be gone."""

ERROR = "error.json"
"""The file, among the temporary ones, into which a step writes its error."""

Watcher = Callable[[Snapshot], None]


def run(
    file: str | Path | Mapping[str, Any],
    *,
    store: str | None = None,
    watch: Watcher | None = None,
    warn: Callable[[str], None] | None = None,
) -> Result:
    """Run the search of a search file to its end; where it was begun before, go on.

    Args:
        file: Path of the search file, or what it says as a mapping.
        store: URI of the store; that of the file, ARCHSMITH_STORE, or ./runs where it is left out.
        watch: Called about once a second with how the search stands.
        warn: Called once, when it has begun, for each thing that is hardly meant, or should be known of its data.

    Raises:
        SpecError: The file is wrong, or no architecture keeps its limits.
        DataError: The images are missing or can't be used.
        SearchConflictError: The store holds another search of this name, or it is running now.
        NoWinnerError: No trial is complete and within the limits; there is a report all the same.
    """
    search = from_object(_plain(file), source="the search") if isinstance(file, Mapping) else load(file)
    uri = store_uri(search, store)
    folder = SearchFolder(open_store(uri), search.name)
    with _only_one(folder, search.name) as log:
        before = going_on(folder, search, uri)
        search = before or search
        if before is None or not is_finished(folder, search):
            _run_pipeline(search, folder, uri, log, _warning(search, folder, warn, watch) if warn else watch)
            search = _as_chosen(search, folder)
        elif search.spec.tracking.enabled:
            look_after(resolve_uri(search.spec.tracking.uri, uri))  # the store may have been moved
        selection = folder.selection()
        if watch is None or selection is None or selection.winner is None:
            _say_what_is_missing(folder)
        refuse_without_winner(folder, search, uri, selection)
    return Result(folder, search, uri)


def _as_chosen(search: Search, folder: SearchFolder) -> Search:
    """Return a search as the first step has chosen it, where its file was open and that step has ended; else as it is."""
    if not search.open or folder.read("search.yaml") is None:
        return search
    return replace(read_search(folder), beside=search.beside)


def _say_what_is_missing(folder: SearchFolder) -> None:
    """Say what MLflow lacks of the search; whoever watches shows its result, if it has one, and that says it too."""
    if lacks := missing(folder):
        log.warning("%s", lacks)


def _warning(search: Search, folder: SearchFolder, warn: Callable[[str], None], watch: Watcher | None) -> Watcher:
    """Return a watcher that tells first what there is to warn of: of the file at once, of its data once they are read."""
    to_tell: list[Callable[[], Iterable[str]]] = [folder.warnings, partial(advice, search)]

    def look(snapshot: Snapshot) -> None:
        while len(to_tell) > (snapshot.phase == "starting"):
            for text in to_tell.pop()():
                warn(text)
        if watch:
            watch(snapshot)

    return look


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as JSON has it: paths are texts, and numbers of numpy are numbers."""

    def simple(value: Any) -> Any:
        if isinstance(value, Path):
            return str(value)
        if hasattr(value, "item"):
            return value.item()
        raise TypeError(f"a {type(value).__name__}")

    try:
        plain: dict[str, Any] = json.loads(json.dumps(given, default=simple))
    except (TypeError, ValueError) as error:
        hint = "it must hold what a search file can: texts, numbers, lists and mappings."
        raise SpecError(f"The search holds {error}, but {hint}") from None
    return plain


def store_uri(search: Search, store: str | None) -> str:
    """Return the store's URI; that of a folder is absolute, so that every process means the same one."""
    return absolute_uri(store or search.spec.storage.uri or default_uri())


def delete(folder: SearchFolder) -> None:
    """Delete a search; raises `SearchConflictError` where it is running from here."""
    with _only_one(folder, folder.name) as log:
        folder.remove()
        if _is_there(log, log_path(folder)):  # that of a store elsewhere is not one of its objects
            log_path(folder).unlink()


def runs_here(folder: SearchFolder) -> bool:
    """Tell whether a run of a search goes on that was begun here: for a store elsewhere, in the current folder."""
    try:
        with log_path(folder).open("rb") as log:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def log_path(folder: SearchFolder) -> Path:
    """Return where the log of a run goes: into the search's folder, or for a store elsewhere into the current one."""
    place = folder.uri("run.log")
    # Several stores may have a search of this name.
    return Path(f"{folder.name}-{digest(place)[:8]}.log") if place.startswith("s3://") else Path(place)


def unwritable(log: Path, error: OSError) -> PermanentError:
    """Return what is raised where the log of a run can't be written."""
    hint = "Give a folder that you may write to, in `--store`."
    return PermanentError(f"The log {log} can't be written: {error.strerror}. {hint}")


@contextlib.contextmanager
def _only_one(folder: SearchFolder, name: str) -> Iterator[IO[bytes]]:
    """Open the log, and hold it as a lock: two runs of a search at once would train everything twice."""
    path, held = log_path(folder), False
    while not held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            log = path.open("ab")
        except OSError as error:
            raise unwritable(path, error) from error
        with log:
            if not _locked(log):
                raise SearchConflictError(
                    f"The search {name!r} is running already; look at it with `archsmith watch {name}`, or end that run first."
                )
            if held := _is_there(log, path):
                yield log


def _is_there(log: IO[bytes], path: Path) -> bool:
    """Tell whether the log is the file of its name yet: whoever has deleted the search meanwhile has taken it along."""
    try:
        return os.path.samestat(os.fstat(log.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _locked(log: IO[bytes]) -> bool:
    """Lock the log; tell whether that worked. The pipeline's process has inherited the lock, and may outlive its parent a bit."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        except OSError as error:
            hint = "Put the store on a file system that has locks."
            raise PermanentError(f"The log {log.name} can't be locked: {error.strerror}. {hint}") from error
        else:
            return True


def _run_pipeline(search: Search, folder: SearchFolder, uri: str, log: IO[bytes], watch: Watcher | None) -> None:
    # What the pipeline's processes leave in their temporary folder goes with it, even where they are killed.
    with _scratch() as scratch:
        process = _start(uri, open_rounds(search, folder), log, scratch, told(search))
        try:
            assert process.stdin is not None
            process.stdin.write(search.text.encode())
            process.stdin.close()
            _follow(process, search, folder, uri, watch)
        finally:
            _end(process)
        if process.returncode:
            raise _error(scratch / ERROR, process.returncode, log_path(folder))


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Make a folder for temporary files that lasts as long as the body."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="archsmith-", ignore_cleanup_errors=True)
    except OSError as error:
        hint = "Set TMPDIR to a folder that you may write to, on a disk that has space left."
        raise PermanentError(f"There is no place for temporary files: {error.strerror or error}. {hint}") from error
    with folder as name:
        yield Path(name)


def _start(uri: str, rounds: range, log: IO[bytes], scratch: Path, beside: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    settings = {
        ELSEWHERE: "1",
        MEASURES: "1",
        BEGAN: repr(time.time()),
        ERROR_FILE: str(scratch / ERROR),
        "TMPDIR": str(scratch),
        "PYTHONUNBUFFERED": "1",
        **beside,
    }
    numbers = [str(number) for number in (rounds.start, rounds.stop, os.getpid())]
    return subprocess.Popen(  # noqa: S603  our own module; the file comes by standard input
        [sys.executable, "-m", "archsmith_pipelines.local", uri, *numbers],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment(**WAITING, **settings),
        start_new_session=True,  # Ctrl-C is for this process, which then ends that one
    )


def _follow(process: "subprocess.Popen[bytes]", search: Search, folder: SearchFolder, uri: str, watch: Watcher | None) -> None:
    """Show and track the search while the pipeline runs."""
    with contextlib.ExitStack() as stack:
        tracked, ended, pause_s = not search.spec.tracking.enabled, False, 0.0
        while not ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(pause_s)
                ended = True
            begin = time.monotonic()
            with contextlib.suppress(errors.TransientError):
                identity: str | None = None if tracked else passed_over(folder.identity, log.debug)
                search = passed_over(partial(_as_chosen, search, folder), log.debug) or search
                if identity and not search.open:  # the first step has found the search fit to run
                    stack.enter_context(_tracker(search, folder, uri))
                    stack.callback(_end, process)  # before the tracker's last try, which may take seconds
                    tracked = True
                snapshot = Snapshot.read(folder, search) if watch else None
                if watch and snapshot:
                    earlier = snapshot.phase == "done" and not ended  # what is done is the run before this one
                    watch(replace(snapshot, phase="starting") if earlier else snapshot)
            pause_s = max(LOOK_EVERY_S, PAUSES * (time.monotonic() - begin))


def _tracker(search: Search, folder: SearchFolder, uri: str) -> BackgroundTracker:
    """Return what logs trials into MLflow beside the pipeline, whose last step says itself what is missing in the end."""
    place = resolve_uri(search.spec.tracking.uri, uri)
    shared = SharedSoFar(folder, search)
    return BackgroundTracker(tracked_search(folder, search), place, folder.history, shared, settled=folder.is_done)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the pipeline; its tasks and their workers die with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _error(written: Path, status: int, log: Path) -> ArchsmithError:
    """Make the error that a step has written, or say how the pipeline ended."""
    if status < 0:
        how = f"was killed ({signal.Signals(-status).name}); if nobody did it, the system was short of memory"
        return KilledError(f"The pipeline {how}. The log is {log}.")
    if not written.exists():
        return PermanentError(f"The pipeline ended before the search did; the log says why: {log}")
    try:
        return errors.from_dict(json.loads(written.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError):  # the step was killed while it wrote
        return PermanentError(f"The pipeline ended with an error; the log says which: {log}")
