"""How many epochs a child needs that begins with its parent's weights, to reach what it reaches from scratch.

    python benchmarks/inherited.py --out inherited.csv

Pairs of chains: a random parent, and a child that is a morphism away from it, or `--steps` of them. The child is trained from
scratch for nine epochs, or as `--epochs` says, with two seeds; their mean accuracy is what is to be reached. With its parent's
weights, it is trained anew for one, two and three ninths of them, each with a schedule of its own, and for six and all where it
is not reached by then; 0 epochs are the accuracy at birth. The parent was trained for as long with a third seed, or as
`--parent-epochs` says. The highest learning rate is .1, and for children that inherit another one where `--rates` says so.
Fashion-MNIST at 14 pixels, 4,000 images to train with and 4,000 to validate with, of which a standard error is half a point; one
thread; the other settings of the training are those by default, with batches of 64.

What is trained is kept in the file, and a run that was stopped goes on. Prints a table of the pairs, and of all: the median of
the epochs as a share of those from scratch, without those of the parent and with them; how many pairs reach it with a third of
the epochs; and how far children are above it after a third, in points, with its standard error, beside the same of a third from
scratch. A child that never reaches it counts with twice the epochs.
"""

import argparse
import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np
import torch
from recorded import append, ids
from shown import track

from archsmith.evaluation.data import Dataset, Images, load
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.train import TrainEstimator
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.morphing import Morphism, morphisms
from archsmith.spec import DataSpec, TrainingSpec
from archsmith.testing.estimators import MemoryCheckpoints
from archsmith.values import Architecture, Born, Fidelity, Inherits, Proposal, Trial

TRIED = (1, 2, 3, 6, 9)
"""Ninths of the epochs from scratch, for which a child that inherits is trained."""
THIRD = 3
"""Those up to which it is trained in any case."""
RATE = 0.1
"""Highest learning rate from scratch."""
N_TRAIN, N_VALIDATION = 4000, 4000
SPACE = ChainConfig(
    layers={"min": 2, "max": 4},
    operations=["conv", "sepconv", "maxpool"],
    filters=[8, 16, 32],
    kernels=[3, 5],
    pools=[2],
    strides=[1, 2],
    dense_layers={"min": 0, "max": 1},
    units=[16, 32, 64],
).build()
COLUMNS = (
    "id", "operation", "what", "epochs", "parent_epochs", "rate", "parent", "scratch_1", "scratch_2", "scratch_third", "exact",
    "same", "born", *(f"after_{e}" for e in TRIED), "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A parent and a child."""

    parent: Architecture
    child: Architecture
    operation: str
    """That of each step between them."""
    what: str
    """What was changed, for people."""


def pairs(count: int, steps: int) -> Iterator[Pair]:
    """Yield random pairs, always the same; each operation that there is as often as any other, in turn."""
    rng, seen = np.random.default_rng(0), set[str]()
    while len(seen) < count:
        parent = SPACE.canonical(SPACE.sample(rng))
        made: list[Morphism] = []
        for _ in range(steps):
            found = list(morphisms(SPACE, made[-1].architecture if made else parent))
            names = sorted({m.operation for m in found})
            if not names:
                break
            wanted = names[(len(seen) + len(made)) % len(names)]
            fitting = [m for m in found if m.operation == wanted]
            made.append(fitting[int(rng.integers(len(fitting)))])
        if len(made) == steps and parent.id not in seen:
            seen.add(parent.id)
            yield Pair(parent, made[-1].architecture, " ".join(m.operation for m in made), ", ".join(m.what for m in made))


def main() -> None:
    """Train what is missing, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=9, help="Of a child from scratch; a multiple of nine.")
    parser.add_argument("--parent-epochs", type=int, help="As many where left out.")
    parser.add_argument("--rates", type=float, nargs="+", default=[RATE])
    parser.add_argument("--out", type=Path, default=Path("inherited.csv"))
    given = parser.parse_args()
    if given.epochs % 9:
        parser.error(f"--epochs: {given.epochs} is no multiple of nine")
    parent_epochs = given.parent_epochs or given.epochs
    torch.set_num_threads(1)
    known, trainer = ids(given.out), Trainer(few(), given.epochs)
    for k, pair in enumerate(track(list(pairs(given.pairs, given.steps)))):
        child = f"{given.steps}-{k}-{given.epochs}-"
        named = {rate: f"{child}{parent_epochs}-{rate:g}" for rate in given.rates}
        if missing := [rate for rate in given.rates if named[rate] not in known]:
            scratch = recorded_scratch(given.out, child) or trainer.from_scratch(pair.child)
            for rate in missing:
                row = trainer.measured(pair, parent_epochs, rate, scratch)
                append(given.out, COLUMNS, {"id": named[rate], **row})
    with given.out.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["id"].startswith(f"{given.steps}-")]
    tell([row for row in rows if (int(row["epochs"]), int(row["parent_epochs"])) == (given.epochs, parent_epochs)])


def recorded_scratch(out: Path, pair: str) -> dict[str, float]:
    """Return what the child of a pair has reached from scratch, by the beginning of its rows' ids; empty where it has none."""
    if not out.exists():
        return {}
    with out.open(newline="") as file:
        rows = (row for row in csv.DictReader(file) if row["id"].startswith(pair))
        return next(({name: float(row[name]) for name in ("scratch_1", "scratch_2", "scratch_third")} for row in rows), {})


def few() -> Dataset:
    """Load a part of the images."""
    whole = load(DataSpec(name="fashion-mnist", image_size=14, validation=0.1), seed=0)

    def first(images: Images, n: int) -> Images:
        return images.take(torch.arange(n))

    return replace(whole, train=first(whole.train, N_TRAIN), validation=first(whole.validation, N_VALIDATION))


class Trainer:
    """Trains parents and children, as a search does.

    Args:
        dataset: The images.
        epochs: Those of a child from scratch, a multiple of nine.
    """

    def __init__(self, dataset: Dataset, epochs: int) -> None:
        self._epochs = epochs
        device = choose_device(gpu=0, fallback="cpu")
        self._estimator = TrainEstimator(dataset, SPACE, TrainingSpec(), device, MemoryCheckpoints(), math.inf, 0)

    def train(self, proposal: Proposal, seed: int, checkpoints: MemoryCheckpoints | None = None, *, rate: float = RATE) -> Trial:
        """Measure a proposal with these checkpoints."""
        settings = TrainingSpec(batch_size=64, learning_rate=rate)
        estimator = replace(self._estimator, checkpoints=checkpoints or MemoryCheckpoints(), training=settings)
        trial = estimator.estimate(proposal, seed=seed, progress=lambda _: None)
        if trial.error:
            raise RuntimeError(trial.error)
        return trial

    def from_scratch(self, child: Architecture) -> dict[str, float]:
        """Return what a child reaches from scratch, with two seeds, and with one in a third of the epochs."""
        asked = {"scratch_1": (self._epochs, 1), "scratch_2": (self._epochs, 2), "scratch_third": (self._epochs // 3, 1)}
        return {k: self.train(Proposal(child, Fidelity(n)), seed).metrics["accuracy"] for k, (n, seed) in asked.items()}

    def measured(self, pair: Pair, parent_epochs: int, rate: float, scratch: Mapping[str, float]) -> Mapping[str, object]:
        """Return the row of a pair."""
        checkpoints = MemoryCheckpoints()
        parent = self.train(Proposal(pair.parent, Fidelity(parent_epochs)), 3, checkpoints)
        row: dict[str, object] = {
            "operation": pair.operation, "what": pair.what, "epochs": self._epochs, "parent_epochs": parent_epochs, "rate": rate,
            "parent": parent.metrics["accuracy"], **scratch,
        }  # fmt: skip
        target, best, seconds = mean((scratch["scratch_1"], scratch["scratch_2"])), 0.0, 0.0
        for ninths in TRIED:
            if ninths > THIRD and best >= target:
                break
            fidelity = Fidelity(ninths * self._epochs // 9)
            child = self.train(Proposal(pair.child, fidelity, Inherits(parent.id)), 1, checkpoints, rate=rate)
            assert isinstance(child.birth, Born)
            row |= {"exact": child.birth.exact, "same": child.birth.same, "born": child.birth.accuracy}
            row[f"after_{ninths}"] = child.metrics["accuracy"]
            best = max(best, child.birth.accuracy, child.metrics["accuracy"])
            seconds += child.seconds
        return {**row, "seconds": round(seconds, 2)}


def needed(row: Mapping[str, str]) -> int:
    """Return the fewest epochs with which a child that inherits has what it has from scratch; twice those where it never has."""
    target, epochs = _scratch(row), int(row["epochs"])
    after = {0: row["born"], **{ninths: row[f"after_{ninths}"] for ninths in TRIED}}
    return next((n for n, accuracy in after.items() if accuracy and float(accuracy) >= target), 18) * epochs // 9


def tell(rows: list[Mapping[str, str]]) -> None:
    """Print the pairs, and what they say together."""
    print(
        f"{'pair':>10} {'rate':>5} {'operation':<9} {'parent':>7} {'scratch':>7} {'born':>7} {'a third':>7} {'needed':>7}  what"
    )
    for row in rows:
        reached = [float(row["parent"]), _scratch(row), float(row["born"]), float(row[f"after_{THIRD}"])]
        accuracies = " ".join(f"{accuracy:>7.1%}" for accuracy in reached)
        print(f"{row['id']:>10} {row['rate']:>5} {row['operation']:<9} {accuracies} {needed(row):>7}  {row['what']}")
    for rate in sorted({float(row["rate"]) for row in rows}, reverse=True):
        _summary(rate, [row for row in rows if float(row["rate"]) == rate])


def _summary(rate: float, rows: list[Mapping[str, str]]) -> None:
    of, n = [needed(row) for row in rows], len(rows)
    epochs, parent = int(rows[0]["epochs"]), int(rows[0]["parent_epochs"])
    shares = f"a share of {median(of) / epochs:.2f}; with the parent's {(median(of) + parent) / epochs:.2f}"
    within = f"with a third or less {sum(e <= epochs / 3 for e in of)} of {n}"
    print(f"rate {rate:g}, {n} pairs: median {median(of):g} of {epochs} epochs, {shares}; {within}")
    for who, column in (("inherited", f"after_{THIRD}"), ("from scratch", "scratch_third")):
        above = [100 * (float(row[column]) - _scratch(row)) for row in rows]
        error = stdev(above) / math.sqrt(n) if n > 1 else math.nan
        print(f"    {who}, a third of the epochs: {mean(above):+.2f} ± {error:.2f} points")


def _scratch(row: Mapping[str, str]) -> float:
    return mean((float(row["scratch_1"]), float(row["scratch_2"])))


if __name__ == "__main__":
    main()
