"""What it costs to propose without the last results: regret on NAS-Bench-201 with several evaluations at work at once.

    python benchmarks/at_once.py nas-bench-201.csv --seeds 50

A search whose workers wait for nobody proposes while others run. Here each strategy searches the validation accuracy after
12 epochs, on each of the three data sets, with 1, 4 and 16 evaluations at work at once, with 7 and 28, which is what
the steps allow 4 and 16 workers (`steps/pace.py`), and in rounds of 8 with a barrier. Prints the mean regret after 100
evaluations in points of accuracy, with its standard error, and what it is relative to one at a time.
"""

import argparse
import json
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is there: the searches share the cores

from dataclasses import replace
from pathlib import Path

import numpy as np

from archsmith.bench import Job, Run, find_tasks, parse_strategies, run_all
from archsmith.bench.ours import Ours
from archsmith.bench.summary import influence, standard_error

TRIALS = 100
STRATEGIES = "random,evolution,local-search,tpe,bayesian"
AT_ONCE = (1, 4, 7, 16, 28)
ROUND = 8


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", default="nas-bench-201.csv")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--strategies", default=STRATEGIES)
    parser.add_argument("-o", "--output", type=Path, default=Path("bench/at-once.json"))
    options = parser.parse_args()
    tasks = find_tasks(Path(options.table), space="nas-bench-201")
    rows = []
    for ours in parse_strategies(options.strategies):
        ways = {f"{n} at once": replace(ours, label=f"{n} at once", at_once=n) for n in AT_ONCE}
        together = f"rounds of {ROUND}"
        ways[together] = replace(ours, label=together, at_once=ROUND, together=True)
        rows += compared(ours, list(ways.values()), tasks, options.seeds, options.jobs)
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(rows, indent=2))


def compared(ours: Ours, ways: list[Ours], tasks: list, seeds: int, jobs: int) -> list[dict[str, object]]:
    """Print and return what each way comes to."""
    work = [Job(k, way, seed, TRIALS) for seed in range(seeds) for k in range(len(tasks)) for way in ways]
    runs: dict[tuple[str, str], list[Run]] = {}
    for run in sorted(run_all(tasks, work, processes=jobs), key=lambda r: r.seed):
        runs.setdefault((run.searcher, run.task), []).append(run)
    rows = []
    for way in ways:
        regrets = np.mean([[run.regret[-1] for run in runs[way.label, task.name]] for task in tasks], axis=0)
        pairs = [influence(runs[way.label, task.name], runs[ways[0].label, task.name]) for task in tasks]
        row = {
            "strategy": ours.label,
            "way": way.label,
            "regret": float(regrets.mean()),
            "regret_se": standard_error(regrets),
            "relative": float(np.mean([ratio for ratio, _ in pairs])),
        }
        rows.append(row)
        print("{strategy:14} {way:12} regret {regret:.3f} +- {regret_se:.3f}  x {relative:.2f}".format(**row), flush=True)
    return rows


if __name__ == "__main__":
    main()
