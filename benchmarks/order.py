"""What it is worth to know that choices have an order: surrogates told of it beside the same ones that are not.

    python benchmarks/order.py accel-nasbench.csv      # MnasNet-like networks (Accel-NASBench, in CSV)

Prints JSON. `told`: the rank correlation of predictions with what the table has of 800 other rows, by the number of rows that
were seen; higher is better. `found`: what a strategy is short of the best of a smooth function of six numbers and two names
after 60 trials; lower is better. Each is a mean over seeds with its standard error; the limit is that order is not worse by
more than two of them.
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from archsmith.bench.ours import parse_strategies
from archsmith.bench.summary import standard_error
from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.strategies.bayesian.gaussian_process import Array, GaussianProcess, fit
from archsmith.strategies.bayesian.layout import Layout
from archsmith.strategies.bayesian.predictors import Ensemble, trained
from archsmith.strategies.bayesian.surrogates import MEMBERS, TRAINING_STEPS
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.values import Architecture, Fidelity

STAGES = ("expansions", "kernels", "layers", "se")
"""Columns with a digit for each of seven stages."""
SEEN, OTHERS = (30, 60, 120), 800
TRIALS, PLACES, NUMBERS, NAMES = 60, 9, 6, 2


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--metric", default="valid_top1")
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    told, found = predicted(given.table, given.metric, given.seeds), searched(given.seeds)
    keeps = [_not_worse(v["plain"], v["ordered"], 1) for by in told.values() for v in by.values()]
    keeps += [_not_worse(v["plain"], v["ordered"], -1) for v in found.values()]
    print(json.dumps({"told": told, "found": found, "keeps": all(keeps)}, indent=2))
    sys.exit(not all(keeps))


def predicted(path: Path, metric: str, seeds: int) -> dict[str, Any]:
    """Return the rank correlation of each surrogate on rows that it has not seen."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    y = np.array([float(row[metric]) for row in rows])
    chosen = np.array([[int(digit) for column in STAGES for digit in row[column]] for row in rows])
    choices = [tuple(sorted({*column.tolist()})) for column in chosen.T]
    made: dict[str, Any] = {}
    for name, ordered in (("plain", False), ("ordered", True)):
        space = PlainSpace("accel", [Decision(f"d{k}", of, ordered=ordered) for k, of in enumerate(choices)])
        architectures, codes = [Architecture(space.name, tuple(row)) for row in chosen.tolist()], Codes(space)
        vectors, features = codes.vectors(codes.encode(architectures)), np.array([space.features(a) for a in architectures])
        for n in SEEN:
            draws = [(rng, rng.permutation(len(rows))) for rng in map(np.random.default_rng, range(seeds))]
            parts = [(rng, order[:n], order[n : n + OTHERS]) for rng, order in draws]
            process = [_process(vectors, codes.layout, y, a, b) for _, a, b in parts]
            ensemble = [_ensemble(features, y, a, b, rng) for rng, a, b in parts]
            for surrogate, values in (("gp", process), ("ensemble", ensemble)):
                made.setdefault(surrogate, {}).setdefault(str(n), {})[name] = _mean(values)
    return made


def _process(x: Array, layout: Layout, y: Array, seen: Rows, others: Rows) -> float:
    targets = (y[seen] - y[seen].mean()) / y[seen].std()
    hyper = fit(layout, x[seen], targets)
    mean, _ = GaussianProcess.of(hyper, layout, x[seen]).predict(x[others], targets)
    return float(spearmanr(mean, y[others])[0])


def _ensemble(x: Array, y: Array, seen: Rows, others: Rows, rng: np.random.Generator) -> float:
    targets = (y[seen] - y[seen].mean()) / y[seen].std()
    members = trained(Ensemble.untrained(MEMBERS, x.shape[1], 1, rng), x[seen], targets[:, None], TRAINING_STEPS)
    return float(spearmanr(members.predict(x[others])[0][:, 0], y[others])[0])


def searched(seeds: int) -> dict[str, Any]:
    """Return what each strategy is short of the best in the end."""
    made: dict[str, Any] = {}
    for name, ordered in (("plain", False), ("ordered", True)):
        numbers = [Decision(f"number{k}", tuple(range(PLACES)), ordered=ordered) for k in range(NUMBERS)]
        space = PlainSpace("smooth", [*numbers, *(Decision(f"name{k}", ("a", "b", "c")) for k in range(NAMES))])
        problem = Problem(space, (Objective(metric="accuracy", goal="maximize"),), Fidelity(1), TRIALS)
        for strategy in parse_strategies("random,bayesian,tpe")[1:]:
            short = []
            for seed in range(seeds):
                rng = np.random.default_rng([seed, PLACES])
                best, weights = rng.integers(0, PLACES, NUMBERS), rng.uniform(0.2, 1, NUMBERS)
                (ask, tell), lowest = strategy.solve(problem, seed), np.inf
                for _ in range(TRIALS):
                    architecture = ask()
                    assert architecture is not None
                    away = np.square((np.array(architecture.choices[:NUMBERS], float) - best) / (PLACES - 1))
                    value = float(weights @ away) + 0.1 * sum(c != "b" for c in architecture.choices[NUMBERS:])
                    tell({"accuracy": 1 - value / 10})
                    lowest = min(lowest, value)
                short.append(lowest)
            made.setdefault(strategy.label, {})[name] = _mean(short)
    return made


def _mean(values: Sequence[float]) -> list[float]:
    return [round(float(np.mean(values)), 4), round(standard_error(np.array(values)), 4)]


def _not_worse(plain: Sequence[float], ordered: Sequence[float], sign: int) -> bool:
    return sign * (ordered[0] - plain[0]) >= -2 * float(np.hypot(plain[1], ordered[1]))


if __name__ == "__main__":
    main()
