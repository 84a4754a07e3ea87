"""Many searches, in several processes."""

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from archsmith.bench.run import Run, Searcher, play
from archsmith.bench.task import Task

_tasks: Sequence[Task] = ()
"""What a worker searches, given once at its start: a table is too large to go with each job."""


@dataclass(frozen=True)
class Job:
    """One search."""

    task: int
    """Which task, from 0."""
    searcher: Searcher
    """Who searches."""
    seed: int
    """The seed, the same ones for every searcher."""
    trials: int
    """Evaluations."""


def run_all(tasks: Sequence[Task], work: Sequence[Job], *, processes: int) -> Iterator[Run]:
    """Run searches, and yield each when it is done, in any order; with one process, here.

    Args:
        tasks: What jobs refer to.
        work: The searches.
        processes: How many at a time. Set OMP_NUM_THREADS to 1 before numpy is imported, or each computes on all cores;
            and times of `ask` are only worth something where no more run than there are cores.
    """
    if processes == 1 or len(work) == 1:
        for job in work:
            yield play(job.searcher, tasks[job.task], job.seed, job.trials)
        return
    context = multiprocessing.get_context("fork")  # a fork has the tables without reading them again
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(tasks,)) as pool:
        try:
            for done in as_completed([pool.submit(_run, job) for job in work]):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(tasks: Sequence[Task]) -> None:
    global _tasks
    _tasks = tasks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that collects


def _run(job: Job) -> Run:
    return play(job.searcher, _tasks[job.task], job.seed, job.trials)
