"""The memory that the container around this process may use, as Linux tells it."""

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")

_FILES = ("memory.max", "memory/memory.limit_in_bytes")
"""Where the limit stands, in version 2 of control groups and in version 1."""

_NO_LIMIT_BYTES = 2**60
"""Version 1 writes a number beyond all memory where there is no limit."""


def memory_limit_mb(cgroups: Path = CGROUPS) -> float | None:
    """Return the limit in MB (10^6 bytes); None where there is none, or this is no container."""
    for file in _FILES:
        try:
            limit = int((cgroups / file).read_text(encoding="ascii"))
        except (OSError, ValueError):  # version 2 writes "max" where there is no limit
            continue
        return limit / 1e6 if limit < _NO_LIMIT_BYTES else None
    return None
