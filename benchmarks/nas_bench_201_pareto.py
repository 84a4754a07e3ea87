"""Two objectives on NAS-Bench-201: accuracy up, multiply-adds down; our strategies against Optuna's NSGA-II.

    python benchmarks/nas_bench_201_pareto.py nas-bench-201.csv --seeds 50

The hypervolume after 200 evaluations is that of the front found, as a share of the table's own front's: in the plane of
the validation error after 12 epochs and multiply-adds, each from the table's best, 0, to its worst, 1. Prints a table and
writes JSON.
"""

import argparse
import json
import multiprocessing
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is there: the searches share the cores

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from peers import NSGA2
from shown import track

from archsmith.bench import Ours, Task, find_tasks, parse_strategies
from archsmith.bench.ours import FIDELITY
from archsmith.bench.summary import standard_error
from archsmith.models.cost import cost_of
from archsmith.spaces.space import Space
from archsmith.spec import Objective
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem
from archsmith.values import Architecture

OURS = ("random", "nsga2", "bayesian")
OBJECTIVES = (Objective(metric="accuracy", goal="maximize"), Objective(metric="flops", goal="minimize"))
TRIALS = 200
SHAPE, CLASSES = (3, 32, 32), 10
CONVOLUTIONS = ("nor_conv_1x1", "nor_conv_3x3")

Landscape = tuple[Task, Callable[[Architecture], float], np.ndarray]
"""A task, multiply-adds of an architecture, and both costs of the whole table, (n_architectures, 2)."""

_landscapes: list[Landscape] = []


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", default="nas-bench-201.csv")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("-o", "--output", type=Path, default=Path("bench/nas-bench-201"))
    options = parser.parse_args()
    tasks = find_tasks(Path(options.table), space="nas-bench-201")
    flops = counted(tasks[0].space)
    _landscapes.extend((task, flops, np.array([costs(task, flops, a) for a in task.table.rows])) for task in tasks)
    labels = [*(name for name in OURS if name in STRATEGIES), NSGA2.label]
    work = [(k, label, seed) for seed in range(options.seeds) for k in range(len(tasks)) for label in labels]
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("fork")) as pool:
        shares = list(track(pool.map(search, work), total=len(work), description="searches"))
    found = {}
    for k, task in enumerate(tasks):
        for label in labels:
            some = np.array([s for s, (t, name, _) in zip(shares, work, strict=True) if (t, name) == (k, label)])
            found[f"{task.name} {label}"] = {"hypervolume": some.mean(), "standard_error": standard_error(some)}
            print(f"{task.name:<12} {label:<14} {some.mean():.4f} ± {standard_error(some):.4f}")
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "pareto.json").write_text(json.dumps({"seeds": options.seeds, "trials": TRIALS, **found}, indent=2) + "\n")


def search(job: tuple[int, str, int]) -> float:
    """Run one search; return its hypervolume as a share of the table's own."""
    which, label, seed = job
    task, flops, whole = _landscapes[which]
    found = np.array([costs(task, flops, a) for a in (peer if label == NSGA2.label else ours)(task, flops, label, seed)])
    low, high = whole.min(axis=0), whole.max(axis=0)
    return hypervolume((found - low) / (high - low)) / hypervolume((whole - low) / (high - low))


def ours(task: Task, flops: Callable[[Architecture], float], label: str, seed: int) -> list[Architecture]:
    """Search with one of our strategies; return what it measured."""
    searcher = next(s for s in parse_strategies(label) if isinstance(s, Ours) and s.label == label)
    ask, tell = searcher.solve(Problem(task.space, OBJECTIVES, FIDELITY, TRIALS), seed)
    asked: list[Architecture] = []
    while len(asked) < TRIALS and (architecture := ask()) is not None:
        error, cost = costs(task, flops, architecture)
        tell({"accuracy": 1 - error / 100, "flops": cost})
        asked.append(architecture)
    return asked


def peer(task: Task, flops: Callable[[Architecture], float], _: str, seed: int) -> list[Architecture]:
    """Search with Optuna's NSGA-II; return what it measured."""
    ask, tell = NSGA2.solve(task.space, seed, ["minimize", "minimize"])
    asked: list[Architecture] = []
    while len(asked) < TRIALS and (architecture := ask()) is not None:
        tell(list(costs(task, flops, architecture)))
        asked.append(architecture)
    return asked


def costs(task: Task, flops: Callable[[Architecture], float], architecture: Architecture) -> tuple[float, float]:
    """Return error, in percent, and multiply-adds."""
    value = task.value(architecture)
    assert value is not None
    return 100 - value, flops(architecture)


def counted(space: Space) -> Callable[[Architecture], float]:
    """Return what counts multiply-adds: each convolution of the cell adds the same, wherever it is; nothing else adds any."""
    none, *ones = (
        cost_of(space, Architecture(space.name, (first, *["skip_connect"] * 5)), SHAPE, CLASSES).flops
        for first in ("skip_connect", *CONVOLUTIONS)
    )
    added = {op: one - none for op, one in zip(CONVOLUTIONS, ones, strict=True)}
    return lambda architecture: float(none + sum(added.get(str(op), 0) for op in architecture.choices))


def hypervolume(points: np.ndarray) -> float:
    """Return the area that points, (n, 2) and to be minimized, dominate up to (1, 1)."""
    area, lowest = 0.0, 1.0
    for x, y in points[np.lexsort(points.T[::-1])]:
        if y < lowest:
            area += (1 - x) * (lowest - y)
            lowest = y
    return area


if __name__ == "__main__":
    main()
