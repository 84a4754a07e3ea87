"""How many trials run side by side, and how many threads and how much memory each has."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from archsmith.spec import ResourcesSpec


@dataclass(frozen=True, slots=True)
class Workers:
    """The division of a task's resources among its workers."""

    count: int
    """Trials side by side."""
    threads: int
    """Threads of torch in each."""
    memory_mb: float | None
    """Memory of each beyond what all of them share; not limited where None."""


def divide(resources: ResourcesSpec, *, trials: int) -> Workers:
    """Divide `resources` for at most `trials` trials at a time.

    Give the trials of a whole round, not those that are left of it: sums differ in their last bits with the number of
    threads, and a trial must come out the same whether the search was interrupted or not.
    """
    cores = min(resources.cpu or n_cores(), n_cores())
    wanted = (n_gpus(resources) or cores) if resources.workers == "auto" else resources.workers
    count = max(1, min(wanted, trials))
    return Workers(count, max(1, cores // count), _share(resources, count))


def n_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def n_gpus(resources: ResourcesSpec) -> int:
    """Return the GPUs that are asked for and there, without waking them: a process that forks must not touch CUDA."""
    return min(resources.gpu, len(list(Path("/dev").glob("nvidia[0-9]*"))))


def _share(resources: ResourcesSpec, count: int) -> float | None:
    """Return a worker's share of the memory that this process leaves, in MB."""
    if resources.memory_mb is None:
        return None
    return max(0.0, resources.memory_mb - psutil.Process().memory_info().rss / 1e6) / count
