"""Addresses of sockets in folders whose path is longer than a socket's address may be, about 100 bytes.

It imports next to nothing, since each task of a local run pays for it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archsmith.errors import PermanentError

LONGEST = 103
"""Bytes of an address that every system takes; Linux has 107."""

OPEN_FILES = Path("/proc/self/fd")
"""Where Linux has this process's open files, folders too, under short names."""


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """Give an address, for as long as the body runs, that binds or connects a socket at `path`.

    Raises:
        PermanentError: The path is too long, and this system has no other name for its folder.
    """
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    if not OPEN_FILES.is_dir():
        raise PermanentError(
            f"The temporary folder {str(path.parent)!r} has too long a path for a socket; set TMPDIR to a shorter one."
        )
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield str(OPEN_FILES / str(folder) / path.name)
    finally:
        os.close(folder)
