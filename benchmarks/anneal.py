"""What ranks candidates better in the rungs: prefixes of the full training, or a schedule of its own in each rung.

    python benchmarks/anneal.py --data digits --count 120
    python benchmarks/anneal.py --tables benchmarks/fashion-curves.csv benchmarks/fashion-curves-rung.csv

Random chains, the learning rate among their decisions, are trained for 1, 3, 9 and 27 epochs, each rung going on from the one
before: with `anneal: once` and with `anneal: rung`. What they are held against is what a user gets of a candidate in the end: the
accuracy on the test images after 27 epochs at once, the mean of two trainings with other seeds. What is trained is kept in a
file, and a run that was stopped goes on: ten seconds a candidate on the digits. Of recorded tables, it is the test of the very
training that has its prefixes in the first table, which favours `once`.

Prints JSON: Spearman's rank correlation of each rung's validation accuracy with that, and what the winner of successive halving
(27, 9, 3, 1 candidates) lacks against the best of its 27, in points, over 2,000 draws; each with the difference of the two, and
its standard error from a bootstrap over the candidates; and how far apart the two end in the last rung, on the validation images.
"""

import argparse
import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from shown import track

from archsmith.evaluation.config import Anneal
from archsmith.evaluation.data import Dataset, Images, load
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.train import TrainEstimator
from archsmith.spaces.chain import ChainConfig
from archsmith.spec import DataSpec, TrainingSpec
from archsmith.testing.estimators import MemoryCheckpoints
from archsmith.values import Architecture, Fidelity, GoesOn, Proposal, seed_from

RUNGS = (1, 3, 9, 27)
ETA = 3
DRAWS = 2000
RESAMPLES = 200
SEEDS = (1, 2)
"""Of the trainings that candidates are held against; the candidates' own are of seed 0."""
SPACE = ChainConfig(
    layers={"min": 1, "max": 5},
    operations=["conv", "sepconv", "maxpool", "avgpool"],
    filters=[8, 16, 32, 64],
    kernels=[3, 5],
    pools=[2, 3],
    strides=[1, 2],
    dense_layers={"min": 0, "max": 1},
    units=[16, 64],
    training={"learning_rate": [0.003, 0.01, 0.03, 0.1, 0.3]},
).build()
"""Wide in quality; the learning rate makes curves cross."""
Data = Literal["digits", "fashion"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Set:
    """Images, and how many of them."""

    spec: DataSpec
    batch_size: int
    most: int | None = None
    """Images of each kind."""

    def load(self) -> Dataset:
        """Load them."""
        whole = load(self.spec, seed=0)
        parts = [_first(images, self.most) for images in (whole.train, whole.validation, whole.test)]
        return Dataset(*parts, whole.classes, whole.mean, whole.std)


SETS: Mapping[Data, Set] = {
    "digits": Set(DataSpec(name="digits", validation=0.4), 32),
    "fashion": Set(DataSpec(name="fashion-mnist", image_size=14, validation=0.1), 32, 1000),
}


def main() -> None:
    """Train what is missing, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=get_args(Data), default="digits")
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--out", type=Path, default=Path("runs"))
    parser.add_argument(
        "--tables", type=Path, nargs=2, metavar=("ONCE", "RUNG"), help="what record_curves.py has made; nothing is trained"
    )
    arguments = parser.parse_args()
    if arguments.tables:
        print(json.dumps(compared(recorded(*arguments.tables)), indent=2))
        return
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / f"anneal-{arguments.data}.csv"
    known, dataset = dict(read(file)), SETS[arguments.data].load()
    for architecture in track(list(architectures(arguments.count)), "Training"):
        if architecture.id not in known:
            known[architecture.id] = train(architecture, dataset, SETS[arguments.data].batch_size)
            append(file, architecture.id, known[architecture.id])
    rows = np.array([known[a.id] for a in architectures(arguments.count)])
    print(json.dumps(compared(rows), indent=2))


def architectures(count: int) -> Iterator[Architecture]:
    """Yield distinct architectures at random, always the same."""
    rng, seen = np.random.default_rng(0), set[Architecture]()
    while len(seen) < count:
        architecture = SPACE.canonical(SPACE.sample(rng))
        if architecture not in seen:
            seen.add(architecture)
            yield architecture


def train(architecture: Architecture, dataset: Dataset, batch_size: int) -> list[float]:
    """Return the accuracies of the rungs with either schedule, and the one that they are held against; 0 where it diverged."""
    settings = TrainingSpec(batch_size=batch_size)
    device = choose_device(gpu=0, fallback="cpu")
    made = TrainEstimator(dataset, SPACE, settings, device, MemoryCheckpoints(), math.inf, 0, horizon=RUNGS[-1])

    def climbed(anneal: Anneal) -> list[float]:
        estimator, before, found = replace(made, anneal=anneal, checkpoints=MemoryCheckpoints()), None, list[float]()
        for epochs in RUNGS:
            rung = Proposal(architecture, Fidelity(epochs))
            if before is not None:
                rung = replace(rung, origin=GoesOn(before.id, before.fidelity.epochs))
            before = rung
            trial = estimator.estimate(rung, seed=seed_from(architecture.id), progress=lambda _: None)
            found.append(trial.metrics.get("accuracy", 0.0))
            if trial.status == "failed":
                return [*found, *([0.0] * (len(RUNGS) - len(found)))]
        return found

    tested = Dataset(dataset.train, dataset.test, dataset.test, dataset.classes, dataset.mean, dataset.std)

    def at_once(seed: int) -> float:
        estimator = replace(made, dataset=tested, checkpoints=MemoryCheckpoints())
        proposal = Proposal(architecture, Fidelity(RUNGS[-1]))
        trial = estimator.estimate(proposal, seed=seed_from(f"{seed}/{architecture.id}"), progress=lambda _: None)
        return trial.metrics.get("accuracy", 0.0)

    return [*climbed("once"), *climbed("rung"), float(np.mean([at_once(seed) for seed in SEEDS]))]


def compared(rows: Array) -> dict[str, Any]:
    """Return the figures of either schedule and their differences: (N, 2 x rungs + 1) accuracies."""
    k, rng = len(RUNGS), np.random.default_rng(0)
    values, truth = {"once": rows[:, :k], "rung": rows[:, k : 2 * k]}, rows[:, -1]
    resampled = [rng.integers(len(rows), size=len(rows)) for _ in range(RESAMPLES)]
    figures: dict[str, Any] = {"candidates": len(rows)}
    for j, epochs in enumerate(RUNGS):
        rho = {name: rank(v[:, j], truth) for name, v in values.items()}
        other = [rank(values["rung"][i, j], truth[i]) - rank(values["once"][i, j], truth[i]) for i in resampled]
        figures[f"rank_correlation_at_{epochs}"] = {**_rounded(rho), "rung_less_once": _difference(rho, other)}
    ahead = 100 * (values["rung"][:, -1] - values["once"][:, -1])
    figures[f"points_at_{RUNGS[-1]}_rung_less_once"] = {
        "median": round(float(np.median(ahead)), 3),
        "mean": [round(float(ahead.mean()), 3), round(float(ahead.std(ddof=1)) / math.sqrt(len(ahead)), 3)],
    }
    for first in (first for first in range(k - 1) if ETA ** (k - 1 - first) <= len(rows)):
        draws = [rng.choice(len(rows), size=ETA ** (k - 1 - first), replace=False) for _ in range(DRAWS)]
        lost = {name: float(np.mean([lacks(v[:, first:], truth, draw) for draw in draws])) for name, v in values.items()}
        other = []
        for i in resampled[: RESAMPLES // 4]:
            part = [rng.choice(i, size=len(draws[0]), replace=False) for _ in range(DRAWS // 10)]
            each = {name: np.mean([lacks(v[:, first:], truth, draw) for draw in part]) for name, v in values.items()}
            other.append(float(each["rung"] - each["once"]))
        figures[f"lacks_points_from_{RUNGS[first]}"] = {**_rounded(lost), "rung_less_once": _difference(lost, other)}
    return figures


def recorded(once: Path, by_rung: Path) -> Array:
    """Return the accuracies in two tables of curves, of the candidates that both have; 0 where one diverged."""
    tables = []
    for file in (once, by_rung):
        with file.open(newline="") as lines:
            tables.append({row["id"]: row for row in csv.DictReader(lines)})
    columns = [f"valid_{epochs}" for epochs in RUNGS]
    both = [[tables[0][name], tables[1][name]] for name in tables[0] if name in tables[1]]
    rows = [[*(a[c] for c in columns), *(b[c] for c in columns), a["test"]] for a, b in both]
    return np.nan_to_num(np.array(rows, dtype=np.float64))


def rank(values: Array, truth: Array) -> float:
    """Return Spearman's rank correlation."""
    return float(spearmanr(values, truth).statistic)


def lacks(values: Array, truth: Array, drawn: NDArray[np.int64]) -> float:
    """Return how many points the winner of successive halving lacks against the best that was drawn: (N, rungs), (N,)."""
    left = drawn
    for rung in values.T[:-1]:
        left = left[np.argsort(-rung[left], kind="stable")[: max(1, len(left) // ETA)]]
    return float(100 * (truth[drawn].max() - truth[left[np.argmax(values[left, -1])]]))


def read(file: Path) -> Iterator[tuple[str, list[float]]]:
    """Yield what is known; a last line that was cut off is not."""
    if file.exists():
        with file.open(newline="") as lines:
            for row in csv.reader(lines):
                if len(row) == 2 * len(RUNGS) + 3 and row[-1] == "end":
                    yield row[0], [float(value) for value in row[1:-1]]


def append(file: Path, name: str, values: Sequence[float]) -> None:
    """Keep what was trained."""
    with file.open("a", newline="") as lines:
        csv.writer(lines).writerow([name, *(round(value, 5) for value in values), "end"])


def _first(images: Images, n: int | None) -> Images:
    return images if n is None else images.take(torch.arange(n))


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}


def _difference(values: Mapping[str, float], resampled: Sequence[float]) -> list[float]:
    """Return the difference and its standard error."""
    return [round(values["rung"] - values["once"], 3), round(float(np.std(resampled, ddof=1)), 3)]


if __name__ == "__main__":
    main()
