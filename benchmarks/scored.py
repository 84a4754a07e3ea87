"""What `bayesian` gains by scores of untrained networks: regret with them beside that without, on tables that have them.

    python benchmarks/scored.py tables      # with zero-cost-*.csv, ec-nas-5v.csv, accel-nasbench.csv, nas-bench-201.csv

Each table is searched for its validation accuracy, with the same seeds. Regret is that of the best to the best of the table. For
each table and number of trials: the mean regret with scores divided by that without, with the standard error of that ratio.
Prints JSON. The limit: at 20 trials at most .9 on two tables in three, and nowhere above 1.1.
"""

import argparse
import csv
import json
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is there: the searches share the cores

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from archsmith.bench.ours import Ours
from archsmith.bench.summary import standard_error
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.bayesian.bayesian import BayesianConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.values import Architecture, Fidelity

TRIALS = (20, 50)
PUBLISHED = ("synflow", "jacov", "snip", "grasp", "fisher", "grad_norm", "plain")
SCORES: Mapping[str, tuple[str, ...]] = {
    "counted": ("n_params", "flops"),
    "one": ("synflow",),
    "all": ("n_params", "flops", *PUBLISHED),
}
"""Which scores are compared with none."""


@dataclass(frozen=True, eq=False)
class Table:
    """Architectures, what they reach, and what their scores are."""

    space: DecisionSpace
    """Where they come from."""
    values: Mapping[Architecture, float]
    """In percent."""
    scores: Mapping[Architecture, Mapping[str, float]]
    """By name."""

    def problem(self, trials: int, names: Sequence[str]) -> Problem:
        """Return the problem of finding the best of the table."""
        given = {a: {name: s.get(name, np.nan) for name in names} for a, s in self.scores.items()}
        goal = (Objective(metric="accuracy", goal="maximize"),)
        listed = () if len(self.values) == self.space.size() else list(self.values)
        feasible = self.values.__contains__
        return Problem(
            self.space, goal, Fidelity(1), trials, feasible, listed=listed, scores=given.__getitem__ if names else None
        )


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(
    rows: Sequence[Mapping[str, str]],
    chosen: Sequence[Sequence[Any]],
    value: str,
    renamed: Mapping[str, str],
    *,
    ordered: bool = False,
) -> Table:
    """Return the table of rows whose choices are these, the best of those that are equal."""
    columns = [tuple(dict.fromkeys(sorted(column))) for column in zip(*chosen, strict=True)]
    space = PlainSpace("table", [Decision(f"d{k}", of, ordered=ordered) for k, of in enumerate(columns)])
    values, scores = dict[Architecture, float](), dict[Architecture, dict[str, float]]()
    for row, choices in zip(rows, chosen, strict=True):
        architecture = Architecture("table", tuple(choices))
        if float(row[value]) > values.get(architecture, -np.inf):
            values[architecture] = float(row[value])
            scores[architecture] = {name: float(row[column]) for name, column in renamed.items() if row.get(column)}
    return Table(space, values, scores)


ZERO_COST = {"n_params": "params", "flops": "flops", **{name: name for name in PUBLISHED}}


def zero_cost_201(folder: Path, data: str) -> Table:
    """Return cells of NAS-Bench-201 with published scores."""
    rows = [row for row in rows_of(folder / "zero-cost-nasbench201.csv") if row["dataset"] == data]
    return table(rows, [ast.literal_eval(row["arch"]) for row in rows], "val_accuracy", ZERO_COST)


def zero_cost_101(folder: Path) -> Table:
    """Return cells of NAS-Bench-101: a matrix of seven nodes, and their operations."""
    rows = rows_of(folder / "zero-cost-nasbench101.csv")
    found = [ast.literal_eval(row["arch"]) for row in rows]
    return table(
        rows, [[*(a[7 * i + j] for i, j in combinations(range(7), 2)), *a[50:55]] for a in found], "val_accuracy", ZERO_COST
    )


def zero_cost_301(folder: Path) -> Table:
    """Return pairs of cells of NAS-Bench-301: the origin and the operation of each edge."""
    rows = rows_of(folder / "zero-cost-nasbench301.csv")
    return table(
        rows,
        [[x for cell in ast.literal_eval(r["arch"]) for edge in cell for x in edge] for r in rows],
        "val_accuracy",
        ZERO_COST,
    )


def ec_nas(folder: Path) -> Table:
    """Return cells of at most five nodes."""
    rows = rows_of(folder / "ec-nas-5v.csv")
    n = max(len(row["matrix"]) for row in rows)
    m = max(len(row["ops"].split("-")) for row in rows)
    chosen = [[*row["matrix"].ljust(n, "-"), *(row["ops"].split("-") + ["none"] * m)[:m]] for row in rows]
    return table(rows, chosen, "valid_4ep", {"n_params": "n_params"})


def accel(folder: Path) -> Table:
    """Return MnasNet-like networks."""
    rows = rows_of(folder / "accel-nasbench.csv")
    chosen = [[int(d) for column in ("expansions", "kernels", "layers", "se") for d in row[column]] for row in rows]
    return table(rows, chosen, "valid_top1", {"n_params": "params_m", "flops": "macs_m"}, ordered=True)


def nas_bench_201(folder: Path, data: str) -> Table:
    """Return all cells of NAS-Bench-201, and what their convolutions count."""
    rows = rows_of(folder / "nas-bench-201.csv")
    chosen = [[word.partition("~")[0] for word in row["arch"].replace("+", "").split("|") if word] for row in rows]
    made = [{**row, "n": str(9 * c.count("nor_conv_3x3") + c.count("nor_conv_1x1"))} for row, c in zip(rows, chosen, strict=True)]
    return table(made, chosen, f"{data}_valid_12ep", {"n_params": "n", "flops": "n"})


TABLES: Mapping[str, Callable[[Path], Table]] = {
    "201-cifar10": lambda folder: zero_cost_201(folder, "cifar10"),
    "201-cifar100": lambda folder: zero_cost_201(folder, "cifar100"),
    "201-imagenet16": lambda folder: zero_cost_201(folder, "ImageNet16-120"),
    "101": zero_cost_101,
    "301": zero_cost_301,
    "ec-nas": ec_nas,
    "accel": accel,
    "whole-201-cifar100": lambda folder: nas_bench_201(folder, "cifar100"),
    "whole-201-imagenet16": lambda folder: nas_bench_201(folder, "imagenet16"),
}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--only", default=",".join(TABLES))
    parser.add_argument("--scores", default=",".join(SCORES))
    given = parser.parse_args()
    found = {}
    for name in given.only.split(","):
        found[name] = compared(TABLES[name](given.folder), given.scores.split(","), range(given.seeds))
        print(name, found[name], file=sys.stderr, flush=True)
    print(json.dumps(found, indent=1))


def compared(of: Table, kinds: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Return the ratio of regrets for each kind of scores, and that without."""
    there = set().union(*(scores.keys() for scores in of.scores.values()))
    names = {"none": (), **{kind: tuple(n for n in SCORES[kind] if n in there) for kind in kinds}}
    regret = {
        kind: np.array([_regrets(of, some, seed) for seed in seeds]) for kind, some in names.items() if some or kind == "none"
    }
    plain = regret.pop("none")
    told: dict[str, Any] = {"none": plain.mean(axis=0).round(4).tolist()}
    for kind, scored in regret.items():
        ratio = scored.mean(axis=0) / plain.mean(axis=0)
        parts = (scored - ratio * plain) / plain.mean(axis=0)
        told[kind] = [[round(float(r), 3), round(standard_error(p), 3)] for r, p in zip(ratio, parts.T, strict=True)]
    return told


def _regrets(of: Table, names: tuple[Any, ...], seed: int) -> list[float]:
    """Return what a search lacks to the best after so many trials."""
    searcher = Ours("bayesian", BayesianConfig(scores=names))
    ask, tell = searcher.solve(of.problem(max(TRIALS), names), seed)
    best = max(of.values.values())
    values = list[float]()
    for _ in range(max(TRIALS)):
        architecture = ask()
        assert architecture is not None
        values.append(of.values[architecture])
        tell({"accuracy": values[-1] / 100})
    return [best - max(values[:n]) for n in TRIALS]


if __name__ == "__main__":
    main()
