"""What Python processes that Archsmith starts are given: they find modules where this one does, but not in the current folder."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SAFE_PATH = "PYTHONSAFEPATH"
"""Set, it keeps the current folder off Python's path, where `python -m` puts it first: a `random.py` there would be executed."""

UTF8 = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:backslashreplace"}
"""Whatever the encoding of a user's terminal is: processes speak with each other, and write their log, in UTF-8."""


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a Python process to start, which passes it on to its own.

    An empty entry in PYTHONPATH means the current folder, and comes from `PYTHONPATH=$PYTHONPATH:folder` where nothing was set;
    so it is left out. A folder that is named stays, `.` too.

    Args:
        more: Variables to set beside those of this process.
    """
    return {**_cleaned(os.environ), SAFE_PATH: "1", **UTF8, **more}


@contextmanager
def safe_path() -> Iterator[None]:
    """Have processes that `multiprocessing` starts afresh while the body runs keep the current folder off their path."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


def _cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    entries = [entry for entry in environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return {name: value for name, value in environ.items() if name != "PYTHONPATH"} | (
        {"PYTHONPATH": os.pathsep.join(entries)} if entries else {}
    )
