"""A copy on this machine of data that lie in MinIO/S3."""

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Protocol

from archsmith.errors import DataError
from archsmith.values import digest

THREADS = 8
"""Downloads at a time: small images wait for answers, not for bandwidth."""


class Objects(Protocol):
    """What is read of a store."""

    def get(self, key: str) -> bytes:
        """Return the object."""
        ...

    def list(self, prefix: str) -> list[str]:
        """Return the keys that begin with `prefix`."""
        ...


class Cache:
    """Fetches what an s3:// URI names, once, and then tells where it lies.

    It is never fetched again: to have what has changed since, remove the folder of the cache.

    Args:
        open_store: opens the store at an s3:// URI, from which keys are relative.
        root: folder of the cache; ARCHSMITH_CACHE, or else ~/.cache/archsmith, where it is left out.
    """

    def __init__(self, open_store: Callable[[str], Objects], root: Path | None = None) -> None:
        self._open = open_store
        self._root = root or Path(os.environ.get("ARCHSMITH_CACHE") or "~/.cache/archsmith").expanduser()

    def __call__(self, uri: str) -> Path:
        """Return the local file or folder of `uri`.

        Args:
            uri: s3://bucket/key of one object, or s3://bucket/prefix of many, a folder then.

        Raises:
            DataError: There is nothing at `uri`.
        """
        uri = uri.rstrip("/")
        base, _, name = uri.rpartition("/") if uri.removeprefix("s3://").count("/") else (uri, "", "")
        place = self._root / digest(uri)
        if not place.is_dir():
            self._fetch(uri, self._open(base), name, place)
        return place / name

    def _fetch(self, uri: str, store: Objects, name: str, place: Path) -> None:
        keys = _keys(uri, store.list(name), name)
        self._root.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a second process that fetches the same, or a kill, leaves no half folder behind.
        with tempfile.TemporaryDirectory(dir=self._root) as there, ThreadPoolExecutor(THREADS) as pool:
            whole = Path(there) / "whole"
            whole.mkdir()
            list(pool.map(lambda key: _save(store.get(key), whole / key), keys))
            try:
                whole.rename(place)
            except OSError:
                if not place.is_dir():
                    raise


def _keys(uri: str, listed: list[str], name: str) -> list[str]:
    """Return the keys to fetch: that of the object itself, or else all below it."""
    keys = [name] if name and name in listed else [key for key in listed if key.startswith(f"{name}/" if name else "")]
    keys = [key for key in keys if not key.endswith("/")]  # some tools write an empty object to mark a folder
    if not keys:
        raise DataError(f"There is no object {uri}, and none below {uri}/; look at the `path` in the search file.")
    if outside := [key for key in keys if ".." in PurePosixPath(key).parts or key.startswith("/")]:
        raise DataError(f"The key {outside[0]!r} below {uri} would be written outside the cache; rename it.")
    return keys


def _save(data: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
