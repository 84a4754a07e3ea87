"""The searches of a store: one of them as a result for Python, and how all of them stand."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from archsmith.errors import ArchsmithError, TransientError
from archsmith.opening import open_search, read_search
from archsmith.stores import absolute_uri, default_uri, open_store
from archsmith.stores.folder import SearchFolder
from archsmith.views.listed import Listed, ended_as, listed_of
from archsmith.views.result import Result
from archsmith.views.snapshot import Snapshot

_AT_ONCE = 8
"""Searches that are read at once; reading is waiting, for a server or a disk."""


def load(name: str, *, store: str | Path | None = None) -> Result:
    """Return a search that was begun before, as it stands now; nothing is run.

    Args:
        name: Its name.
        store: Folder or URI of the store; ARCHSMITH_STORE, or ./runs where it is left out.

    Raises:
        NotFoundError: The store has no search of that name; the message lists those that it has.
        CorruptObjectError: The store's search file is damaged.
    """
    uri = absolute_uri(str(store or default_uri()))
    return Result(*open_search(uri, name, runs_here=False), uri)


def listed(store: str) -> list[Listed]:
    """Return how all the searches of the store at a URI stand, by name; one that can't be read says why.

    One that has ended is as it stood then, which is one request: whether anything of it was damaged since is not looked at.
    """
    opened = open_store(store)
    folders = [SearchFolder(opened, name) for name in sorted(SearchFolder.names(opened))]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(_listed, folders))


def _listed(folder: SearchFolder) -> Listed:
    try:
        if kept := ended_as(folder):
            return kept
        now = Snapshot.read(folder, read_search(folder, runs_here=False))
    except TransientError:
        raise  # the same holds for all of them
    except ArchsmithError as error:
        return Listed(folder.name, error=str(error))
    return listed_of(now)
