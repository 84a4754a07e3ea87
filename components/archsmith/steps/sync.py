"""Catching up: MLflow gets what it lacks of a search, from the store."""

import signal
import threading

from archsmith.search import Search
from archsmith.steps.lifeline import die_with_parent
from archsmith.steps.report import catch_up, files_of, read_data, tracker_of
from archsmith.steps.track import SharedSoFar, tracked_search
from archsmith.stores.folder import SearchFolder
from archsmith.tracking import BackgroundTracker, resolve_uri

LOOK_EVERY_S = 5.0


def sync(folder: SearchFolder, search: Search, store: str) -> int:
    """Log the trials that MLflow lacks, and the winner where there is one; return how many trials were logged.

    Raises:
        UnavailableError: MLflow does not answer.
    """
    tracker = tracker_of(folder, search, store)
    data = read_data(folder, search, store)
    if folder.is_done():
        return catch_up(folder, search, tracker, data, files_of(data, search))[0]
    return tracker.sync(data.history, SharedSoFar(folder, search)())


def follow(folder: SearchFolder, search: Search, store: str, *, parent: int) -> None:
    """Log trials as they appear, until this process is told to stop, or the process `parent` is gone."""
    die_with_parent(parent)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    uri = resolve_uri(search.spec.tracking.uri, store)
    known, shared = tracked_search(folder, search), SharedSoFar(folder, search)
    with BackgroundTracker(known, uri, folder.history, shared, every_s=LOOK_EVERY_S):
        while not told.wait(LOOK_EVERY_S) and not folder.is_done():
            pass
