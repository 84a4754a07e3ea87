"""The name of a process, by which others on the same machine can tell that it is gone, however it ended."""

import contextlib
import hashlib
import os
from pathlib import Path
from uuid import uuid4

PROC = Path("/proc")
"""Where Linux shows processes."""


def name_of_this() -> str:
    """Return a name of this process that no other one has, nor a later call: `HOST-PID-BEGUN-RANDOM`."""
    return f"{_host()}-{os.getpid()}-{_begun(os.getpid())}-{uuid4().hex[:8]}"


def is_gone(name: str) -> bool | None:
    """Tell whether the process of this name has ended; None where it was on another machine, of which nothing is known.

    Names come from a store, where others may write, too: of what is none, nothing is known either.
    """
    match name.split("-"):
        case [host, pid, begun, _] if host == _host() != "" and pid.isdecimal():
            return begun != _begun(int(pid))
        case _:
            return None


def _host() -> str:
    """Return what tells this system since it was started, and this container, from any other; empty where that is not known."""
    with contextlib.suppress(OSError):
        boot = (PROC / "sys/kernel/random/boot_id").read_text()
        container = (PROC / "self/ns/pid").readlink()  # in each, process ids begin anew
        return hashlib.sha256(f"{boot}{container}".encode()).hexdigest()[:10]
    return ""


def _begun(pid: int) -> str:
    """Return when a process was started, in the system's ticks; empty where there is none."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()  # the name of the program before it may hold anything
    return "" if state in "ZX" else fields[18]
