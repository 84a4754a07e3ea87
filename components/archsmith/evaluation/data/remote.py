"""A copy on this machine of data that lie in MinIO/S3."""

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from archsmith.errors import DataError
from archsmith.evaluation.data.tree import File, Parts, Tree, is_hidden

THREADS = 8
"""Downloads at a time: small images wait for answers, not for bandwidth."""

DAY_S = 86400.0
UNUSED_DAYS = 30
"""Days after which what nobody has used is removed from the cache."""
REPLACED_DAYS = 1
"""Days after which an object's last version is removed; a process that has just asked for it may still read it."""


class Listed(Protocol):
    """An object of a bucket as it is now."""

    @property
    def key(self) -> str:
        """Its whole key."""
        ...

    @property
    def etag(self) -> str:
        """What tells it from any other content under this key."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...


class Bucket(Protocol):
    """What is read of a bucket; `archsmith.stores.s3_objects` has one."""

    @property
    def endpoint(self) -> str:
        """URL of the server."""
        ...

    def find(self, key: str) -> Listed | None:
        """Return the object of this very key."""
        ...

    def list(self, prefix: str) -> Sequence[Listed]:
        """Return the objects whose keys begin with `prefix`."""
        ...

    def read(self, listed: Any, /) -> bytes:
        """Return an object's content."""
        ...


class Cache:
    """Fetches what an s3:// URI names, each version of an object once.

    The server is asked each time what there is, so that a new object under an old key is seen. A file of the cache is
    called after digests of server, key and version, so no key can lead out of it. Whenever something is fetched, versions
    that were replaced a day ago and what nobody has used for a month are removed.

    Args:
        open_bucket: opens a bucket by its name.
        root: folder of the cache; ARCHSMITH_CACHE, or else ~/.cache/archsmith, where it is left out.
        now: the time, in seconds since 1970.
    """

    def __init__(
        self, open_bucket: Callable[[str], Bucket], root: Path | None = None, *, now: Callable[[], float] = time.time
    ) -> None:
        self._open = open_bucket
        self._root = root or Path(os.environ.get("ARCHSMITH_CACHE") or "~/.cache/archsmith").expanduser()
        self._now = now

    def file(self, uri: str) -> Path:
        """Return the local copy of the object at `uri`; its name ends as the key does.

        Raises:
            DataError: There is none.
        """
        name, key = _split(uri)
        bucket = self._open(name)
        found = bucket.find(key) if key else None
        if found is None:
            below = len(bucket.list(f"{key}/" if key else ""))
            hint = f"it is a folder of {below} objects" if below else "look at the `path` in the search file"
            raise DataError(f"There is no object {uri}; {hint}.")
        return self._fetch(name, bucket, [found])[0]

    def tree(self, uri: str) -> Tree:
        """Return local copies of all objects below `uri`, but hidden ones.

        Raises:
            DataError: There are none.
        """
        name, key = _split(uri)
        bucket, prefix = self._open(name), f"{key}/" if key else ""
        listed = [(each, _parts(each.key.removeprefix(prefix))) for each in bucket.list(prefix)]
        listed = [(each, parts) for each, parts in listed if not any(map(is_hidden, parts))]
        # Some tools write an empty object to mark a folder; what else ends in a slash has no name.
        folders = [parts for each, parts in listed if each.key.endswith("/")]
        kept = [(each, parts) for each, parts in listed if not each.key.endswith("/")]
        if not listed:
            hint = (
                "that itself is an object, and no folder" if key and bucket.find(key) else "look at the `path` in the search file"
            )
            raise DataError(f"There is no object below s3://{name}/{prefix}; {hint}.")
        paths = self._fetch(name, bucket, [each for each, _ in kept])
        files = (File(parts, path, f"s3://{name}/{each.key}") for (each, parts), path in zip(kept, paths, strict=True))
        return Tree.of(uri.rstrip("/"), files, filter(None, folders))

    def folder(self, uri: str) -> Path:
        """Return a folder in which the objects below `uri` lie under their own names, for readers that want one.

        Raises:
            DataError: There are none.
        """
        files = [file for file in self.tree(uri).files if all(map(_can_be_a_name, file.parts))]
        place = self._root / "folders" / _digest("\n".join(f"{file.parts} {file.path}" for file in files))
        if not place.is_dir():
            place.parent.mkdir(parents=True, exist_ok=True)
            # Whole or not at all: a second process that makes the same, or a kill, leaves no half folder behind.
            with tempfile.TemporaryDirectory(dir=place.parent, ignore_cleanup_errors=True) as there:
                _link(files, whole := Path(there) / "whole")
                try:
                    whole.rename(place)
                except OSError:
                    if not place.is_dir():
                        raise
        os.utime(place, (self._now(), self._now()))
        return place

    def _fetch(self, bucket_name: str, bucket: Bucket, objects: Sequence[Listed]) -> list[Path]:
        """Return where the objects lie on this machine, in their order."""
        places = [self._place(bucket.endpoint, bucket_name, each) for each in objects]
        missing = [(each, place) for each, place in zip(objects, places, strict=True) if not self._use(place)]
        try:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(lambda pair: _save(partial(bucket.read, pair[0]), pair[1]), missing))
        except OSError as error:
            hint = "ARCHSMITH_CACHE names another folder."
            raise DataError(f"The cache {self._root} can't hold the data: {error.strerror or error}. {hint}") from error
        if missing:
            self._sweep()
        return places

    def _place(self, endpoint: str, bucket: str, listed: Listed) -> Path:
        key, version = _digest(f"{endpoint}\n{bucket}\n{listed.key}"), _digest(f"{listed.etag}\n{listed.size}")
        return self._root / "objects" / key[:2] / f"{key}-{version}{_suffix(listed.key)}"

    def _use(self, place: Path) -> bool:
        """Tell whether a file is there, and note that it is used."""
        try:
            if self._now() - place.stat().st_mtime > DAY_S / 4:
                os.utime(place, (self._now(), self._now()))
        except OSError:
            return False
        return True

    def _sweep(self) -> None:
        """Remove what is no longer wanted. Other processes may do the same at once."""
        ages = {path: self._age(path) for path in (self._root / "objects").glob("*/*")}
        newest: dict[str, float] = {}
        for path, age in ages.items():
            newest[_object(path)] = min(age, newest.get(_object(path), age))
        for path, age in ages.items():
            replaced = newest[_object(path)] < age and age > REPLACED_DAYS * DAY_S
            if replaced or age > UNUSED_DAYS * DAY_S:
                path.unlink(missing_ok=True)
        for place in (self._root / "folders").glob("*"):
            if self._age(place) > UNUSED_DAYS * DAY_S:
                shutil.rmtree(place, ignore_errors=True)

    def _age(self, path: Path) -> float:
        try:
            return self._now() - path.stat().st_mtime
        except OSError:
            return 0.0


def _split(uri: str) -> tuple[str, str]:
    """Return bucket and key; a slash at the end means the same as none."""
    bucket, _, key = uri[len("s3://") :].partition("/")
    return bucket, key.rstrip("/")


def _parts(key: str) -> Parts:
    """Return the names on the way to an object; `a//b` leads where `a/b` does, as in any file system."""
    return tuple(part for part in key.split("/") if part)


def _suffix(key: str) -> str:
    """Return the end of a key by which readers know what it is, `.csv.gz`, where it is a plain one."""
    suffixes = Path(key.rpartition("/")[2]).suffixes[-2:]
    return "".join(suffixes) if all(len(each) < 9 and each[1:].isascii() and each[1:].isalnum() for each in suffixes) else ""


def _object(path: Path) -> str:
    return path.name.partition("-")[0]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _can_be_a_name(part: str) -> bool:
    return "\0" not in part and len(os.fsencode(part)) <= 255


def _link(files: Iterable[File], whole: Path) -> None:
    whole.mkdir()
    for file in files:
        place = whole.joinpath(*file.parts)
        with contextlib.suppress(FileExistsError, NotADirectoryError):  # a key may be an object, and others lie below it
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(file.path.absolute())


def _save(read: Callable[[], bytes], path: Path) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        part.write_bytes(read())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
