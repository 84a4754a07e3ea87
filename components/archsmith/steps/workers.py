"""How many trials run side by side, and how many threads and how much memory each has."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from archsmith.spec import ResourcesSpec

BESIDE_MB = 1024 * 2**20 / 1e6
"""Memory of a container that is left to what runs beside the trials: the pipeline, MLflow's client, torch itself."""


@dataclass(frozen=True, slots=True)
class Workers:
    """The division of a task's resources among its workers."""

    count: int
    """Trials side by side."""
    threads: int
    """Threads of torch in each."""
    memory_mb: float | None
    """Memory of each beyond what all of them share; not limited where None."""


def divide(resources: ResourcesSpec, *, trials: int, container_mb: float | None = None) -> Workers:
    """Divide `resources` for at most `trials` trials at a time.

    Where the file names no memory, the workers share that of the container, so that one which needs too much is a failed
    trial and not the end of a pod.

    Give the trials of a whole round, not those that are left of it: sums differ in their last bits with the number of
    threads, and a trial must come out the same whether the search was interrupted or not.
    """
    cores = min(resources.cpu or n_cores(), n_cores())
    wanted = (n_gpus(resources) or cores) if resources.workers == "auto" else resources.workers
    count = max(1, min(wanted, trials))
    return Workers(count, max(1, cores // count), _share(resources, count, container_mb))


def n_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def n_gpus(resources: ResourcesSpec) -> int:
    """Return the GPUs that are asked for and there, without waking them: a process that forks must not touch CUDA."""
    return min(resources.gpu, len(list(Path("/dev").glob("nvidia[0-9]*"))))


def _share(resources: ResourcesSpec, count: int, container_mb: float | None) -> float | None:
    """Return a worker's share of the memory that this process leaves, in MB."""
    memory = resources.memory_mb
    if memory is None:
        if container_mb is None:
            return None
        memory = container_mb - BESIDE_MB
    return max(0.0, memory - psutil.Process().memory_info().rss / 1e6) / count
