"""Our strategies against the samplers of Optuna and Syne Tune on NAS-Bench-201, with default settings only.

    python benchmarks/nas_bench_201.py nas-bench-201.csv --seeds 200

Each searches the validation accuracy after 12 epochs, on each of the three data sets and with the same seeds. It is
judged by the regret of its best after 100 evaluations, divided by that of random search (ours, which proposes no network
twice) and averaged over the data sets, and by what its best reaches in the test after 200 epochs. Afterwards, in one
process and alone, proposals are timed against Optuna's TPE. Prints the table and what is held to which limit, and
writes all of it into a folder.

It needs `pip install "archsmith[bench]"`; the table has the columns `arch`, `DATA_valid_12ep` and `DATA_test_200ep`.
"""

import argparse
import json
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is there: the searches share the cores

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from peers import EVOLUTION, NSGA2, PLAIN_RANDOM, TPE
from shown import track

from archsmith.bench import Job, Run, Searcher, Task, find_tasks, parse_strategies, play, run_all, write
from archsmith.bench.summary import ALL, RANDOM, influence, standard_error
from archsmith.bench.write import markdown
from archsmith.strategies import STRATEGIES

TRIALS = 100
OURS = ("random", "local-search", "evolution", "tournament", "reinforce", "ppo", "tpe", "bayesian")
LIMITS: dict[str, dict[str, Any]] = {
    "reinforce": {"relative": 0.50, "test": (93.9, 72.0, 45.5), "ask": 0.1},
    "evolution": {"relative": 0.28, "test": (94.1, 72.2, 45.8), "ask": 0.1},
    "local-search": {"relative": 0.22, "test": (94.15, 72.3, 45.8), "ask": 0.1},
    "bayesian": {"relative": 0.13, "test": (94.2, 72.6, 46.2), "ask": 3.0},
}
"""What is wanted: relative regret, test accuracy on each data set, and time of a proposal in times of TPE's."""
LENGTHS, WINDOW, TIMED_SEEDS = (100, 500), 20, 3
"""Proposals are timed at these lengths of the history: the median of the last so many, over so many seeds."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", default="nas-bench-201.csv")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--strategies", default=",".join(name for name in OURS if name in STRATEGIES), help="ours, of these")
    parser.add_argument("-o", "--output", type=Path, default=Path("bench/nas-bench-201"))
    parser.add_argument("--no-times", action="store_true", help="do not time proposals")
    options = parser.parse_args()
    if find_spec("syne_tune") is None:
        parser.error("Syne Tune is missing, one of the peers; install it: pip install 'archsmith[bench]'")
    tasks = find_tasks(Path(options.table), space="nas-bench-201")
    searchers: list[Searcher] = [*parse_strategies(options.strategies), PLAIN_RANDOM, TPE, NSGA2, EVOLUTION]
    work = [Job(k, s, seed, TRIALS) for seed in range(options.seeds) for k in range(len(tasks)) for s in searchers]
    runs = list(track(run_all(tasks, work, processes=options.jobs), total=len(work), description="searches"))
    runs.sort(key=lambda r: ([t.name for t in tasks].index(r.task), [s.label for s in searchers].index(r.searcher), r.seed))
    times = {} if options.no_times else ask_times(tasks[0], searchers)
    rows = write(options.output, tasks, runs, {"seeds": options.seeds, "trials": TRIALS, "ask_times": times})
    said = {"ask_ms": times, "held": held(runs, times), "bayesian_below_tpe": difference(runs, "bayesian", TPE.label)}
    (options.output / "verdict.json").write_text(json.dumps(said, indent=2) + "\n")
    print(markdown([row for row in rows if row.task != ALL]))
    print(markdown([row for row in rows if row.task == ALL]))
    print(json.dumps(said, indent=2))


def ask_times(task: Task, searchers: list[Searcher]) -> dict[str, dict[str, float]]:
    """Return the median time of a proposal in ms at each length of the history, and its ratio to TPE's."""
    work = [(s, seed) for seed in range(TIMED_SEEDS) for s in searchers]  # in turn, so that a slow minute meets all alike
    spent = [(s.label, play(s, task, seed, max(LENGTHS)).ask_s) for s, seed in track(work, description="times")]
    found: dict[str, dict[str, float]] = {}
    for searcher in searchers:
        mine = [ask_s for label, ask_s in spent if label == searcher.label]
        found[searcher.label] = {f"at_{n}": 1e3 * float(np.nanmedian([s[n - WINDOW : n] for s in mine])) for n in LENGTHS}
    reference = dict(found[TPE.label])
    for times in found.values():
        times |= {f"ratio_{key}": times[key] / reference[key] for key in reference}
    return found


def held(runs: list[Run], times: dict[str, dict[str, float]]) -> dict[str, dict[str, Any]]:
    """Compare each of ours with its limits."""
    found: dict[str, dict[str, Any]] = {}
    for name, limits in LIMITS.items():
        if not (mine := by_task(runs, name)):
            continue
        relative = float(np.mean([influence(some, other)[0] for some, other in zip(mine, by_task(runs, RANDOM), strict=True)]))
        test = [float(np.mean([r.test for r in some])) for some in mine]
        ratio = max((v for k, v in times.get(name, {}).items() if k.startswith("ratio")), default=None)
        within = relative <= limits["relative"] and all(a >= b for a, b in zip(test, limits["test"], strict=True))
        found[name] = {
            "relative": relative, "test": test, "ask_ratio": ratio, "limits": limits,
            "within": within and (ratio is None or ratio <= limits["ask"]),
        }  # fmt: skip
    return found


def difference(runs: list[Run], a: str, b: str) -> dict[str, float] | None:
    """Return the difference of two relative regrets, averaged over the data sets, and its standard error."""
    if not by_task(runs, a):
        return None
    groups = zip(by_task(runs, a), by_task(runs, b), by_task(runs, RANDOM), strict=True)
    pairs = [(influence(x, reference), influence(y, reference)) for x, y, reference in groups]
    mean = float(np.mean([x[0] - y[0] for x, y in pairs]))
    return {"difference": mean, "standard_error": standard_error(np.mean([x[1] - y[1] for x, y in pairs], axis=0))}


def by_task(runs: list[Run], label: str) -> list[list[Run]]:
    """Return the runs of a searcher on each task, in the order of the seeds."""
    mine = [r for r in runs if r.searcher == label]
    return [[r for r in mine if r.task == task] for task in dict.fromkeys(r.task for r in mine)]


if __name__ == "__main__":
    main()
