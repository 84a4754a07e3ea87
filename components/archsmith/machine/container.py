"""What the container around this process may use of memory and of cores, as Linux tells it.

Control groups have two versions, and a process may be in a group of a group: each of them limits it, the tightest one first.
"""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
TABLE = Path("/proc/self/cgroup")
"""In which groups this process is: a line a hierarchy, `number:controllers:path`; version 2 has the line `0::path`."""

_LIMITS = ("memory.max", "memory.limit_in_bytes")
"""Where the limit of memory stands, in version 2 and in version 1."""

_NO_LIMIT_BYTES = 2**60
"""Version 1 writes a number beyond all memory where there is no limit."""

_HELD = {"anon": 1, "shmem": 1, "kernel": 1, "slab_reclaimable": -1, "total_rss": 1, "total_shmem": 1}
"""What the kernel can't take back, in `memory.stat` of version 2 and of version 1; pages of files are not among it, nor are
inodes and names of folders that it has in its own memory to find them again soon, and counts there."""


def memory_left_mb(cgroups: Path = CGROUPS, table: Path = TABLE) -> float | None:
    """Return how much all processes of the container together may still take, in MB; None where there is no limit."""
    return min((limit - _held_mb(group) for limit, group in _limited(cgroups, table)), default=None)


def free_memory_bytes() -> float:
    """Return how much memory this process may still get: what is free here, or what the container leaves of it."""
    left_mb = memory_left_mb()
    return min(psutil.virtual_memory().available, math.inf if left_mb is None else max(0.0, left_mb) * 1e6)


def cpu_quota(cgroups: Path = CGROUPS, table: Path = TABLE) -> float | None:
    """Return the cores that the container may use on average, such as 1.5; None where that is not limited."""
    quotas = [quota for group in _groups("cpu", cgroups, table) if (quota := _quota(group)) is not None]
    return min(quotas, default=None)


def limit_memory(more_mb: float) -> None:
    """Have this process get so much more memory and no more: an allocation past it fails, and nobody is killed."""
    status = _read(Path("/proc/self/status"))
    held = next((line.split()[1] for line in status.splitlines() if line.startswith("VmData:")), None)
    if held is None:  # not Linux
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    wanted = int(held) * 1024 + int(more_mb * 1e6)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def n_cores(cgroups: Path = CGROUPS, table: Path = TABLE) -> int:
    """Return the cores that this process may use: no more than it may run on, and none that it would have to wait for."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota(cgroups, table)
    return there if quota is None else max(1, min(there, int(quota)))


def _limited(cgroups: Path, table: Path) -> Iterator[tuple[float, Path]]:
    """Yield the limits of memory in MB, and the groups that have them."""
    for group in _groups("memory", cgroups, table):
        for file in _LIMITS:
            if (limit := _number(_read(group / file))) is not None and 0 < limit < _NO_LIMIT_BYTES:
                yield limit / 1e6, group


def _held_mb(group: Path) -> float:
    lines = (line.split() for line in _read(group / "memory.stat").splitlines())
    stat = {words[0]: _number(words[1]) or 0 for words in lines if len(words) == 2}
    if "kernel" not in stat:  # before Linux 5.18, or in version 1: what is not counted is not taken off
        stat.pop("slab_reclaimable", None)
    return sum(sign * stat.get(name, 0) for name, sign in _HELD.items()) / 1e6


def _quota(group: Path) -> float | None:
    quota, period, *_ = [*_read(group / "cpu.max").split(), "", ""]
    if not quota:  # version 1
        quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    allowed, of = _number(quota), _number(period)
    return allowed / of if allowed is not None and of and allowed > 0 else None


def _groups(controller: str, cgroups: Path, table: Path) -> Iterator[Path]:
    """Yield the folders of the groups that this process is in, its own one first.

    A container that sees nothing but its own group has that at the top, whatever the table says.
    """
    for line in _read(table).splitlines() or ["0::/"]:
        _, _, named = line.partition(":")
        controllers, colon, path = named.partition(":")
        if not colon or (controllers and controller not in controllers.split(",")):
            continue
        for top in (cgroups / controller, cgroups / controllers) if controllers else (cgroups, cgroups / "unified"):
            inner = top if ".." in path else top / path.strip("/")
            if top.is_dir():
                yield from (folder for folder in (inner, *inner.parents) if folder == top or top in folder.parents)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _number(text: str) -> int | None:
    """Return a number; None for the word `max`, which version 2 writes where there is no limit."""
    try:
        return int(text)
    except ValueError:
        return None


def in_pod(environ: Mapping[str, str]) -> bool:
    """Tell whether this is a pod of Kubernetes, which tells each of them where its API is."""
    return bool(environ.get("KUBERNETES_SERVICE_HOST"))
