"""Where a path of the search file leads to on this machine."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archsmith.errors import DataError
from archsmith.machine.container import in_pod


def is_remote(path: str, key: str) -> bool:
    """Tell whether a path is an s3:// URI.

    Args:
        path: As it stands in the search file.
        key: The key that holds it, as errors name it: `data.path`.

    Raises:
        DataError: It is a URI of another kind.
    """
    scheme, mark, _ = path.partition("://")
    if mark and scheme.lower() not in {"s3", "file"}:
        raise DataError(f"The value of `{key}` is {path!r}, but must be a local path or begin with s3://.")
    return bool(mark) and scheme.lower() == "s3"


def find(path: str, key: str, beside: Path | None, *, required: bool = True) -> Path:
    """Return where a local path leads to: from the working directory, or else from the folder of the search file.

    Args:
        path: As it stands in the search file: absolute, relative, or with `~`.
        key: The key that holds it, as errors name it: `data.path`.
        beside: Folder of the search file; None where it was not read from a file.
        required: Whether something must be there; without that, what is nowhere lies in the working directory.

    Raises:
        DataError: There is nothing.
    """
    if not path.strip():
        raise DataError(f"The value of `{key}` is {path!r}, but must be a path; the working directory is '.'.")
    if "\0" in path:
        raise DataError(f"The value of `{key}` is {path!r}, but no path holds a NUL character.")
    try:
        given = Path(unquote(urlsplit(path).path) if path.lower().startswith("file://") else path).expanduser()
    except RuntimeError as error:
        raise DataError(f"The value of `{key}` is {path!r}, but nobody of that name has a home here.") from error
    places = [folder / given for folder in dict.fromkeys((Path.cwd(), beside or Path.cwd()))]  # a whole path stays as it is
    found = next((place for place in places if _exists(place, key)), None)
    if found is None and required:
        looked = " and ".join(map(str, dict.fromkeys(places)))
        hint = "" if given.is_absolute() else " A relative path begins in the working directory, or beside the search file."
        if in_pod(os.environ):
            hint = " A pod has no files of your machine: put them into a bucket, and give s3://bucket/key."
        raise DataError(f"There is nothing at {looked}; `{key}` is {path!r}.{hint}")
    return found or places[0]


def _exists(place: Path, key: str) -> bool:
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DataError(f"What `{key}` leads to, {place}, can't be looked at: {error.strerror}.") from error
    return True
