"""Where two architectures in five fail: what strategies find in landscapes whose depth varies, and in a table with holes.

    python benchmarks/failing.py                                          # landscapes that are made here
    python benchmarks/failing.py --table nas-bench-201.csv                # and a table with holes

Each seed has a landscape of its own, the same one for all strategies. A failure is told and its value is not. Regret is that of
the best after 100 evaluations to the best that does not fail, relative to that of random search; `behind` is by how much it
exceeds evolution's, with the standard error over the same seeds. Prints JSON. The limit: nobody is behind by more than one.
"""

import argparse
import csv
import json
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is there: the searches share the cores

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from archsmith.bench import parse_strategies, play
from archsmith.bench.summary import standard_error
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.testing.spaces import PlainSpace
from archsmith.values import Architecture
from archsmith.values.metrics import Goal

TRIALS = 100
SHARE = 0.4
"""Of the architectures that random search draws, how many fail."""
DEPTH = 4
OPERATIONS, WIDTHS = ("conv", "sepconv", "maxpool", "skip"), (16, 32, 64, 96)
Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Landscape:
    """What every architecture of a space is worth: what `archsmith.bench` wants of a task."""

    name: str
    """What it is called."""
    space: DecisionSpace
    """Where the architectures come from."""
    place: Mapping[Architecture, int]
    """Where each architecture's value is."""
    values: Array
    """More is better; NaN where it fails."""
    goal: Goal = "maximize"
    percent: bool = False

    def value(self, architecture: Architecture) -> float | None:
        """Return what it is worth; None where it fails."""
        k = self.place.get(architecture)
        found = np.nan if k is None else float(self.values[k])
        return None if np.isnan(found) else found

    def test(self, architecture: Architecture) -> None:
        """Return nothing: there is no other value."""

    def regret(self, value: float) -> float:
        """Return what it lacks to the best."""
        return float(np.nanmax(self.values)) - value

    def is_better(self, a: float, b: float) -> bool:
        """Tell which is better."""
        return a > b


@cache
def chains() -> tuple[DecisionSpace, dict[Architecture, int], Rows, Rows]:
    """Return chains of 1 to 4 layers, the places and codes of all of them, and places as random search draws them."""
    decisions = [Decision("layers", tuple(range(1, DEPTH + 1)), ordered=True)]
    for k in range(1, DEPTH + 1):
        decisions.append(Decision(f"op_{k}", OPERATIONS, {"layers": tuple(range(k, DEPTH + 1))}))
        decisions.append(Decision(f"filters_{k}", WIDTHS, {f"op_{k}": ("conv", "sepconv")}, ordered=True))
    return _listed(PlainSpace("chains", decisions))


def _listed(space: DecisionSpace, architectures: Sequence[Architecture] = ()) -> Any:
    known = list(architectures) or list(space.enumerate())
    place = {a: k for k, a in enumerate(known)}
    rng = np.random.default_rng(0)
    drawn = [place.get(space.sample(rng), -1) for _ in range(4000)]
    return space, place, Codes(space).encode(known), np.array([k for k in drawn if k >= 0])


def worth(rows: Rows, rng: np.random.Generator, *, deeper: float) -> Array:
    """Return values of chains, with deviation 1: effects of each layer, of neighbours, of depth and of chance."""
    depth, ops, widths = rows[:, 0], rows[:, 1::2], rows[:, 2::2]
    there = (ops > 0) & True
    by_op = np.append(0.0, rng.normal(0, 1, len(OPERATIONS)))
    by_place = np.vstack([by_op + np.append(0.0, rng.normal(0, 0.7, len(OPERATIONS))) for _ in range(DEPTH)])
    total = sum(by_place[k][ops[:, k]] for k in range(DEPTH)) / np.sqrt(depth)
    total = total + rng.uniform(0.2, 0.8) * np.log2(1 + widths).sum(axis=1) / np.maximum(1, there.sum(axis=1))
    pairs = np.pad(rng.normal(0, 0.8, (len(OPERATIONS), len(OPERATIONS))), ((1, 0), (1, 0)))
    total = total + sum(pairs[ops[:, k], ops[:, k + 1]] for k in range(DEPTH - 1)) / np.sqrt(depth)
    total = total + deeper * depth - 0.3 * np.square(depth - rng.uniform(2, DEPTH))
    total = total + 0.2 * total.std() * rng.standard_normal(len(rows))
    return np.asarray((total - total.mean()) / total.std())


def size(rows: Rows) -> Array:
    """Return the logarithm of about how many parameters chains have."""
    cost = np.array([0.0, 9.0, 2.0, 0.1, 0.0])[rows[:, 1::2]]
    filters = np.array([1.0, *WIDTHS])[rows[:, 2::2]]
    return np.log(1 + (cost * filters**1.5).sum(axis=1))


def beside(rows: Rows, rng: np.random.Generator) -> Array:
    """Return a sum over neighbouring layers, of a number for each pair of operations and of the first layer's filters."""
    ops, pairs = rows[:, 1::2], rng.normal(0, 1, (len(OPERATIONS) + 1, len(OPERATIONS) + 1))
    first = rng.normal(0, 1, len(WIDTHS) + 1)[rows[:, 2]]
    return np.asarray(first + sum(pairs[ops[:, k], ops[:, k + 1]] for k in range(DEPTH - 1)))


Failing = Callable[[Rows, Array, np.random.Generator], Array]
"""Returns how near architectures are to failing, by their codes and their values."""


def coin(inclination: Array, rng: np.random.Generator) -> Array:
    """Return the inclination with the noise of a logistic coin."""
    return inclination + rng.logistic(size=len(inclination))


RULES: Mapping[str, tuple[float, Failing]] = {
    # Out of memory: what is large fails, and what is large is good.
    "memory": (0.4, lambda rows, _, __: size(rows)),
    # The deeper, the likelier, and it is good to be deep.
    "deep": (0.6, lambda rows, _, rng: coin(1.2 * rows[:, 0], rng)),
    # Divergence: a matter of region and of chance.
    "region": (0.2, lambda rows, _, rng: coin(3 * worth(rows, rng, deeper=0.2), rng)),
    # A fault of the machines.
    "noise": (0.2, lambda rows, _, rng: rng.random(len(rows))),
    # What is best fails more often.
    "peak": (0.2, lambda _, values, rng: coin(1.0 * values, rng)),
    # What stands side by side does not fit; it was not looked at before all else was decided.
    "pairs": (0.3, lambda rows, _, rng: coin(2 * beside(rows, rng), rng)),
}
"""How much it is worth to be deeper, and what fails."""


def made(name: str, seed: int, share: float) -> Landscape:
    """Return a landscape of chains, in which this share of what random search draws fails."""
    space, place, rows, drawn = chains()
    rng = np.random.default_rng([seed, list(RULES).index(name)])
    deeper, failing = RULES[name]
    values = worth(rows, rng, deeper=deeper)
    return Landscape(name, space, place, holed(values, failing(rows, values, rng), drawn, share))


def holed(values: Array, inclination: Array, drawn: Rows, share: float) -> Array:
    """Return the values, NaN where the inclination is highest: for this share of what random search draws."""
    if not share:
        return values
    return np.where(inclination > np.quantile(inclination[drawn], 1 - share), np.nan, values)


@cache
def nas_bench_201(path: Path) -> Any:
    """Return the space, the places and codes of all of its cells, what is drawn, and the validation accuracies."""
    space = NasBench201Config().build()
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    architectures = [space.from_text(row["arch"]) for row in table]
    columns = [np.array([float(row[f"{data}_valid_12ep"]) for row in table]) for data in ("cifar10", "cifar100", "imagenet16")]
    return (*_listed(space, architectures), columns)


def cells(path: Path, seed: int, share: float) -> Landscape:
    """Return NAS-Bench-201 with holes: by weights of the operations and by chance, another rule for each seed."""
    space, place, rows, drawn, columns = nas_bench_201(path)
    rng = np.random.default_rng([seed, 201])
    weights = rng.normal(0, 1, (rows.shape[1], rows.max() + 1))
    inclination = sum(weights[k][rows[:, k]] for k in range(rows.shape[1])) if seed % 4 < 3 else np.zeros(len(rows))
    return Landscape("nas-bench-201", space, place, holed(columns[seed % 3], coin(seed % 4 * inclination, rng), drawn, share))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="NAS-Bench-201")
    parser.add_argument("--share", type=float, default=SHARE, help="of what random search draws, how much fails; 0 is nothing")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default=",".join(RULES))
    parser.add_argument("--strategies", default="evolution,bayesian,tpe")
    given = parser.parse_args()
    makers: dict[str, Callable[[int], Landscape]] = {
        name: (lambda s, n=name: made(n, s, given.share)) for name in given.only.split(",") if name
    }
    if given.table:
        makers["nas-bench-201"] = lambda seed: cells(given.table, seed, given.share)
    seeds = range(given.first, given.first + given.seeds)
    found = {}
    for name, maker in makers.items():
        found[name] = compared(maker, seeds, given.strategies)
        print(name, found[name], file=sys.stderr, flush=True)
    print(json.dumps(found, indent=1))


def compared(maker: Callable[[int], Landscape], seeds: Sequence[int], strategies: str) -> dict[str, Any]:
    """Return what each strategy comes to."""
    searchers = parse_strategies(strategies)
    landscapes = [maker(seed) for seed in seeds]
    regret = {s.label: np.array([_regret(s, t, seed) for t, seed in zip(landscapes, seeds, strict=True)]) for s in searchers}
    random = regret["random"].mean()
    told = {}
    for label, of in regret.items():
        behind = (of - regret["evolution"]) / random
        told[label] = [round(float(v), 3) for v in (of.mean() / random, behind.mean(), standard_error(behind))]
    return told


def _regret(searcher: Any, task: Any, seed: int) -> float:
    return float(play(searcher, task, seed, TRIALS).regret[-1])


if __name__ == "__main__":
    main()
