"""How many trials run side by side, and how many threads each has."""

import os
from dataclasses import dataclass

from archsmith.spec import ResourcesSpec


@dataclass(frozen=True, slots=True)
class Workers:
    """The division of a task's resources among its workers."""

    count: int
    """Trials side by side."""
    threads: int
    """Threads of torch in each."""
    memory_mb: float | None
    """Memory of each; not limited where None."""


def divide(resources: ResourcesSpec, *, trials: int, gpus: int) -> Workers:
    """Divide `resources` for at most `trials` trials at a time, with `gpus` GPUs at hand."""
    cores = min(resources.cpu or len(os.sched_getaffinity(0)), len(os.sched_getaffinity(0)))
    wanted = (gpus or cores) if resources.workers == "auto" else resources.workers
    count = max(1, min(wanted, trials))
    memory = resources.memory_mb
    return Workers(count, max(1, cores // count), memory / count if memory else None)
