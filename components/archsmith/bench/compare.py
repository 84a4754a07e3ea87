"""A whole comparison: every searcher on every task with the same seeds."""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from archsmith.bench.run import Searcher
from archsmith.bench.runs import Job, run_all
from archsmith.bench.summary import Row
from archsmith.bench.task import Task
from archsmith.bench.write import write
from archsmith.machine.container import n_cores


def compare(
    tasks: Sequence[Task],
    searchers: Sequence[Searcher],
    *,
    seeds: int,
    trials: int,
    processes: int | None,
    folder: Path,
    done: Callable[[], None],
) -> list[Row]:
    """Run the searches, write what came out into `folder`, and return the summary.

    Args:
        tasks: What is searched.
        searchers: Who searches; one of them is random search.
        seeds: Searches of each on each task, with the seeds from 0.
        trials: Evaluations of each search.
        processes: How many run at a time; one a core where it is None.
        folder: Where the files go.
        done: Called after each search.
    """
    order = {(task.name, s.label): k for k, (task, s) in enumerate((t, s) for t in tasks for s in searchers)}
    # Seed by seed, so that the time that is left can be told from the time so far.
    work = [Job(k, s, seed, trials) for seed in range(seeds) for k in range(len(tasks)) for s in searchers]
    runs = []
    for run in run_all(tasks, work, processes=processes or n_cores()):
        runs.append(run)
        done()
    runs.sort(key=lambda r: (order[r.task, r.searcher], r.seed))
    return write(folder, tasks, runs, {"archsmith": version("archsmith"), "seeds": seeds, "trials": trials})
