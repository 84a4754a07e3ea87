"""A store in a folder: an object is a file, its key the path of the file."""

import contextlib
import errno
import os
import random
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from archsmith.errors import AccessDeniedError, ArchsmithError, NotFoundError, PermanentError, UnavailableError
from archsmith.stores.keys import check_key, check_prefix

_TEMPORARY = "."
"""How the name of a file begins that is being written; no segment of a key begins so."""

_WRITTEN = re.compile(r"\.[0-9a-f]{32}")
"""The names of those files."""

_STALE_S = 3600.0
"""Age from which what is being written is taken for what a process has left that was killed: no write takes so long."""

_PATIENCE_S, _PAUSE_S = 30.0, 0.002
"""How long a writer fights with others who remove its folder as empty, and its longest pause between two tries."""


class LocalStore:
    """Keeps objects as files below a folder, which is made when the first one is written.

    A file is written beside its place and then moved there (`put`) or linked there (`put_new`), so
    a reader sees it whole or not at all, and of two writers of a new object exactly one succeeds.
    Several processes of one machine may use it at once; a network file system serves as well if
    it has hard links.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.expanduser().absolute()

    def get(self, key: str) -> bytes:
        """Return the object; raises `NotFoundError` where there is none."""
        path = self._path(key)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFoundError(f"There is no object {key!r} in the store {self._root}.") from None
        except OSError as error:
            raise _explain(error, path) from error

    def put(self, key: str, data: bytes) -> None:
        """Write the object, in place of the one that may be there."""
        self._write(self._path(key), data, os.replace)

    def put_new(self, key: str, data: bytes) -> bool:
        """Write the object unless there is one already; tell whether it was written."""
        path = self._path(key)
        if path.exists():
            return False
        try:
            self._write(path, data, os.link)
        except FileExistsError:
            return False
        return True

    def list(self, prefix: str, *, start_after: str = "") -> list[str]:
        """Return the keys that begin with `prefix` and sort after `start_after`, sorted."""
        folder = check_prefix(prefix).rpartition("/")[0]
        try:
            return sorted(_walk(self._root / folder, f"{folder}/" if folder else "", prefix, start_after))
        except OSError as error:
            raise _explain(error, self._root / folder) from error

    def delete(self, keys: Iterable[str]) -> None:
        """Remove the objects, and the folders that this leaves empty but for what killed writers have left there."""
        folders: dict[Path, None] = {}
        for path in map(self._path, keys):
            folders[path.parent] = None
            try:
                path.unlink(missing_ok=True)
            except (NotADirectoryError, IsADirectoryError):
                continue
            except OSError as error:
                raise _explain(error, path) from error
        for folder in folders:
            _sweep(folder, _STALE_S)
            self._prune(folder)

    def sweep(self, prefix: str) -> None:
        """Remove what killed writers have left below `prefix`, which ends with a slash, and where nobody writes any more."""
        for folder, _, _ in os.walk(self._root / check_prefix(prefix), topdown=False):
            _sweep(Path(folder), 0.0)
            self._prune(Path(folder))

    def uri(self, key: str) -> str:
        """Return the absolute path of the object's file."""
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _prune(self, folder: Path) -> None:
        """Remove `folder` and those above it as far as they are empty."""
        with contextlib.suppress(OSError):
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent

    def _write(self, path: Path, data: bytes, place: Callable[[Path, Path], None]) -> None:
        temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")
        try:
            _create(temporary, data)
            place(temporary, path)
            _sync(path.parent)
        except FileExistsError:
            raise
        except OSError as error:
            raise _explain(error, path) from error
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _sweep(folder: Path, age_s: float) -> None:
    """Remove what is being written in `folder` for longer than that."""
    with contextlib.suppress(OSError):
        for left in folder.glob(f"{_TEMPORARY}*"):
            if _WRITTEN.fullmatch(left.name) and left.is_file() and time.time() - left.stat().st_mtime >= age_s:
                left.unlink()


def _create(path: Path, data: bytes) -> None:
    """Write a new file and wait until it is on the disk."""
    with _open(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _open(path: Path) -> BinaryIO:
    """Open a new file, making its folder; again if another process removes that folder as empty meanwhile."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("xb")
        except (FileNotFoundError, FileExistsError) as error:
            # `mkdir` says that a folder "exists" also where it went between two of its looks.
            if any(folder.is_file() for folder in path.parents):
                raise NotADirectoryError(errno.ENOTDIR, "a part of its path is an object", str(path.parent)) from error
            if time.monotonic() > until:
                why = "its folder is removed again and again"
                raise FileNotFoundError(errno.ENOENT, why, str(path.parent)) from error
            time.sleep(random.uniform(0, _PAUSE_S))  # noqa: S311 -- or the two of them may keep in step for ever


def _sync(folder: Path) -> None:
    """Wait until the folder's list of names is on the disk; without it a power cut may undo the write."""
    with contextlib.suppress(FileNotFoundError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _walk(folder: Path, at: str, prefix: str, start_after: str) -> Iterator[str]:
    """Yield the keys in `folder`, whose own key is `at`, leaving out the folders that can't hold any wanted one."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        key = at + entry.name
        if entry.name.startswith(_TEMPORARY):
            continue
        if entry.is_file():
            if key.startswith(prefix) and key > start_after:
                yield key
        elif entry.is_dir() and _may_hold(f"{key}/", prefix, start_after):
            yield from _walk(folder / entry.name, f"{key}/", prefix, start_after)


def _may_hold(folder: str, prefix: str, start_after: str) -> bool:
    """Tell whether a key that begins with `folder` can begin with `prefix` and sort after `start_after`."""
    if not (folder.startswith(prefix) or prefix.startswith(folder)):
        return False
    return folder > start_after or start_after.startswith(folder)


def _explain(error: OSError, path: Path) -> ArchsmithError:
    """Say what the operating system refused, and what to do about it."""
    match error.errno:
        case errno.EACCES | errno.EROFS:
            return AccessDeniedError(
                f"May not use {path}: {error.strerror}. Check who owns the store's folder and how it is mounted."
            )
        case errno.EPERM | errno.ENOTSUP | errno.ENOSYS:
            return PermanentError(
                f"Can't write {path}: {error.strerror}. The store's folder needs a file system with hard links."
            )
        case errno.ENOTDIR | errno.EISDIR | errno.ENOTEMPTY:
            return PermanentError(f"Can't use {path}: {error.strerror}. No key may be the folder of another one.")
        case errno.ENAMETOOLONG:
            return PermanentError(f"Can't use {path}: {error.strerror}. Put the store into a folder with a shorter path.")
        case _:
            return UnavailableError(f"Can't use {path}: {error.strerror}. Check that the disk is there and has space left.")
