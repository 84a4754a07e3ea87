"""Where a search is kept: bytes by key, in a folder or in MinIO/S3."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archsmith.errors import PermanentError
from archsmith.stores.local import LocalStore
from archsmith.stores.retry import Backoff
from archsmith.stores.store import Store

__all__ = ["LocalStore", "Store", "absolute_uri", "default_uri", "open_store"]

_SCHEME = re.compile(r"(?:file|s3):|[A-Za-z][A-Za-z0-9+.-]*://")
"""How a URI begins that is not a path; a path may hold a colon as well."""


def default_uri() -> str:
    """Return the URI of the store where none is given: `ARCHSMITH_STORE`, else the folder `runs`."""
    return os.environ.get("ARCHSMITH_STORE") or "runs"


def absolute_uri(uri: str) -> str:
    """Return `uri`, that of a folder absolute, so that every process means the same one.

    Raises:
        PermanentError: It leads nowhere.
    """
    return uri if _SCHEME.match(uri) else str(_found(uri, resolve=True))


def open_store(uri: str, environ: Mapping[str, str] | None = None, backoff: Backoff | None = None) -> Store:
    """Open the store at `uri`; nothing is read or made before its first use.

    Args:
        uri: A path, `file:///path`, or `s3://bucket/prefix`. Server and credentials of the last come
            from the environment: ARCHSMITH_S3_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.
        environ: These variables, where they are not those of this process.
        backoff: How faults of a server that pass are tried again; for half a minute where left out.

    Raises:
        PermanentError: It is none of them.
    """
    if not _SCHEME.match(uri):
        return _open_path(uri, uri)
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return _open_path(unquote(parts.path), uri)
    if "@" in parts.netloc or ("@" in uri and ":" in parts.netloc):  # a password with / or # in it ends what is taken for a host
        raise PermanentError(
            "A store's URI holds no user or password; put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if parts.scheme == "s3" and parts.netloc and not parts.query and not parts.fragment:
        from archsmith.stores.s3 import S3Store

        return S3Store.open(parts.netloc, unquote(parts.path), environ, backoff)
    raise PermanentError(f"{uri!r} is no store; valid: a path, file:///path, or s3://bucket/prefix.")


def _open_path(path: str, uri: str) -> Store:
    if not path.strip():
        raise PermanentError(f"{uri!r} names no folder; give a path such as runs.")
    folder = _found(path)
    if os.path.isfile(folder):  # noqa: PTH113 -- of what can't be looked at, the first use says why
        raise PermanentError(
            f"{uri!r} is a file, but a store is a folder; give the path of one, which is made where there is none."
        )
    return LocalStore(folder)


def _found(path: str, *, resolve: bool = False) -> Path:
    """Return the absolute path that is meant; raise `PermanentError` where nobody knows what that is."""
    try:
        if "\0" in path:
            raise ValueError("no path holds a NUL character")
        found = Path(path).expanduser()
        return found.resolve() if resolve else found.absolute()
    except (RuntimeError, ValueError, OSError) as error:
        gone = isinstance(error, FileNotFoundError)
        why = "the working directory is gone" if gone else str(error).rstrip(".")
        raise PermanentError(f"The store {path!r} can't be reached: {why}. Give an absolute path.") from error
