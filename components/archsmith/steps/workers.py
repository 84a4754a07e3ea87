"""How many trials run side by side, and how many threads and how much memory each has."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from archsmith.machine.container import CGROUPS, TABLE, memory_left_mb, n_cores
from archsmith.search import Search
from archsmith.spec import ResourcesSpec

MANY = 1_000_000
"""More trials than any pod runs side by side."""

MARGIN_MB = 64.0
"""Memory of a container that is given to no worker: what runs beside the trials grows a little, and each fork has its tables."""

TRACKING_MB = 170.0
"""What the process that logs to MLflow holds once it has begun: measured; importing MLflow takes it some seconds."""

TRACKING = "archsmith.tracking.worker"
"""What stands in its command line."""


@dataclass(frozen=True, slots=True)
class Workers:
    """The division of a task's resources among its workers."""

    count: int
    """Trials side by side."""
    threads: int
    """Threads of torch in each."""
    memory_mb: float | None
    """Memory of each beyond what all of them share; not limited where None."""


def divide(resources: ResourcesSpec, *, trials: int, left_mb: float | None = None) -> Workers:
    """Divide `resources` for at most `trials` trials at a time.

    Workers share the memory that the file names, but never more than the container has left beside all that runs in it
    already: so one which needs too much is a failed trial and not the end of a pod.

    Give the trials of a whole round, not those that are left of it: sums differ in their last bits with the number of
    threads, and a trial must come out the same whether the search was interrupted or not.
    """
    cores = min(resources.cpu or n_cores(), n_cores())
    wanted = (n_gpus(resources) or cores) if resources.workers == "auto" else resources.workers
    count = max(1, min(wanted, trials))
    return Workers(count, max(1, cores // count), _share(resources, count, left_mb))


def workers_in_all(search: Search) -> int:
    """Return how many trials run side by side in all pods of a search without rounds; one a pod where they are looked up."""
    pods = search.spec.resources.pods
    if search.estimation.looks_up:
        return pods
    return pods * divide(search.spec.resources, trials=share_of(search, rounds=False)).count


def share_of(search: Search, *, rounds: bool) -> int:
    """Return how many trials a pod can have at a time at most: of a round, or of all where there are no rounds."""
    most = search.spec.budget.round_size if rounds else min(search.most_trials, MANY)
    return math.ceil(most / search.spec.resources.pods)


def room_mb(
    *, tracks: bool, beside: Iterable[psutil.Process] | None = None, cgroups: Path = CGROUPS, table: Path = TABLE
) -> float | None:
    """Return the memory that the container has left for workers, in MB; None where it is not limited.

    Args:
        tracks: Whether a process beside them logs to MLflow; what it has not taken yet is taken for granted.
        beside: The processes of the container; those that can be seen where left out.
        cgroups: Where Linux shows control groups.
        table: In which of them this process is.
    """
    left = memory_left_mb(cgroups, table)
    if left is None or not tracks:
        return left
    return left - max(0.0, TRACKING_MB - sum(map(_held_mb, psutil.process_iter() if beside is None else beside)))


def _held_mb(process: psutil.Process) -> float:
    """Return the memory of a process that logs to MLflow, in MB; nothing of any other."""
    try:
        return float(process.memory_full_info().uss) / 1e6 if TRACKING in process.cmdline() else 0.0
    except psutil.Error:
        return 0.0


def n_gpus(resources: ResourcesSpec) -> int:
    """Return the GPUs that are asked for and there, without waking them: a process that forks must not touch CUDA."""
    return min(resources.gpu, len(list(Path("/dev").glob("nvidia[0-9]*"))))


def _share(resources: ResourcesSpec, count: int, left_mb: float | None) -> float | None:
    """Return a worker's share of the memory that all other processes leave, in MB."""
    named = resources.memory_mb
    if left_mb is not None:
        return max(0.0, min(named or left_mb, left_mb - MARGIN_MB)) / count
    return None if named is None else max(0.0, named - psutil.Process().memory_info().rss / 1e6) / count
