"""What rankings by shared weights are worth, against networks that were trained alone: the tables of `record_truth.py`.

    python benchmarks/truth.py residual --looks looks-residual.jsonl
    python benchmarks/truth.py traded --looks looks-traded.jsonl --methods single-path,enas --seeds 5

Each sampled method, with its own settings, trains the shared weights of the table's space with several seeds, and looks at
all architectures of the table. Kendall's tau of the looks with the test accuracy of the trainings alone, the mean of three
seeds, over all architectures and over the better half by that accuracy, with its standard error over the seeds of the shared
weights; beside it that of what costs no training: the number of parameters, multiply-adds, SynFlow, and chance. What is
possible at all is said by how well one seed of the trainings agrees with the mean of the two others, and by a ranking without
error against three noisy seeds.

Looks are kept in a file and not made twice, so that a run that was stopped goes on, and a table may grow. Prints JSON.

Reference: Yu, Sciuto, Jaggi, Musat, Salzmann 2020, Evaluating the Search Phase of Neural Architecture Search (arXiv:1902.08142).
"""

import argparse
import csv
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record_truth import EPOCHS, SEEDS, SETUPS, architectures, images, table
from scipy.stats import kendalltau
from shown import track

from archsmith.evaluation.device import choose_device
from archsmith.evaluation.scores import SCORES
from archsmith.evaluation.sharing.make import make_looks, make_training
from archsmith.models import build
from archsmith.models.initialise import initialise
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import Sampled
from archsmith.strategies.sharing.sampled import ENASConfig, OneShotConfig, SinglePathConfig
from archsmith.values import Architecture, Fidelity

METHODS: Mapping[str, Callable[[int], Sampled]] = {
    "single-path": lambda epochs: SinglePathConfig(epochs=epochs).supernet,
    "fair": lambda epochs: SinglePathConfig(epochs=epochs, paths="fair").supernet,
    "one-shot": lambda epochs: OneShotConfig(epochs=epochs).supernet,
    "enas": lambda epochs: ENASConfig(epochs=epochs).supernet,
}
"""The methods as the search file has them."""
TRAINING = TrainingSpec(batch_size=50)
"""Half as many images a step as in the trainings alone; all else is the methods' own."""
_AHEAD = "tau ahead of the best baseline's by 2 standard errors; better half > 0 by as many"
LIMITS = {
    "residual": _AHEAD,
    "kinds": _AHEAD,
    "cells": _AHEAD,
    "traded": "tau >= 0.45 where |tau| of multiply-adds is <= 0.3; better half > 0 by 2 standard errors",
}
Looks = Mapping[str, Sequence[float]]
"""Validation accuracy and loss with shared weights, by the architecture's id."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("space", choices=SETUPS)
    parser.add_argument("--looks", type=Path, required=True, help="File that keeps the looks, a line a seed of a method.")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3 * EPOCHS, help="Passes over the training images of the shared weights.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    space = SETUPS[arguments.space].config.build()
    truth = Truth(space, table(arguments.space))
    wanted = list(product(arguments.methods.split(","), range(arguments.seeds)))
    for method, seed in track(wanted, "Training shared weights"):
        if not known(arguments.looks, method, arguments.epochs, seed):
            facts = {"method": method, "epochs": arguments.epochs, "seed": seed}
            keep(arguments.looks, {**facts, **looked(arguments.space, space, method, arguments.epochs, seed)})
    runs = {
        method: [known(arguments.looks, method, arguments.epochs, seed) for seed in range(arguments.seeds)]
        for method in arguments.methods.split(",")
    }
    print(json.dumps(report(arguments.space, truth, runs, arguments.epochs), indent=2))


class Truth:
    """A table of networks trained alone.

    Args:
        space: Where they come from.
        path: The table.
    """

    def __init__(self, space: Space, path: Path) -> None:
        rows = list(csv.DictReader(path.open(newline="")))
        self.space = space
        self.architectures = [space.from_text(row["architecture"]) for row in rows]
        self.ids = [row["id"] for row in rows]
        self.costs = {name: np.array([float(row[name]) for row in rows]) for name in ("n_params", "flops")}
        self.test = np.array([[float(row[f"test_{k}"]) for k in range(SEEDS)] for row in rows])
        """(n, SEEDS): test accuracy of each seed."""
        self.valid = np.array([[float(row[f"valid_{k}"]) for k in range(SEEDS)] for row in rows])
        """The same of the images to validate with."""
        self.mean = self.test.mean(1)
        self.better = self.mean >= np.median(self.mean)

    def taus(self, scores: np.ndarray) -> tuple[float, float]:
        """Return Kendall's tau with the mean over the seeds: of all, and of the better half."""
        return tau(scores, self.mean), tau(scores[self.better], self.mean[self.better])

    def ceiling(self) -> dict[str, Any]:
        """Return how well the seeds agree: what is left of a perfect ranking where each value is that of one training."""
        others = [(k, np.delete(self.test, k, axis=1).mean(1)) for k in range(SEEDS)]
        pairs = [(self.test[:, k], mean) for k, mean in others]
        halves = [(mean >= np.median(mean), value, mean) for value, mean in pairs]
        # The noise of a mean of three seeds; a normal ranking without noise agrees with it as (2 / pi) asin(correlation).
        noise = float(self.test.var(axis=1, ddof=1).mean())
        signal = max(float(self.mean.var(ddof=1)) - noise / SEEDS, 0.0)
        return {
            "seeds": {
                "all": round(float(np.mean([tau(*pair) for pair in pairs])), 3),
                "better_half": round(float(np.mean([tau(value[half], mean[half]) for half, value, mean in halves])), 3),
            },
            "perfect": round(2 / math.pi * math.asin(math.sqrt(signal / (signal + noise / SEEDS))), 3),
            "sd_architectures": round(math.sqrt(signal), 4),
            "sd_seeds": round(math.sqrt(noise), 4),
        }


def tau(a: np.ndarray, b: np.ndarray) -> float:
    """Return Kendall's tau; 0 where one of the two is constant."""
    found = float(kendalltau(a, b).statistic)
    return found if math.isfinite(found) else 0.0


def looked(name: str, space: Space, method: str, epochs: int, seed: int) -> dict[str, Any]:
    """Train shared weights, and look at all architectures that the table has, or will have."""
    settings, begun = METHODS[method](epochs), time.process_time()
    ground: dict[str, Any] = {
        "space": space, "dataset": images(), "fidelity": Fidelity(EPOCHS), "training": TRAINING,
        "device": choose_device(gpu=0, fallback="cpu"), "seed": seed,
    }  # fmt: skip
    training = make_training(settings, **ground)
    loss = [record.train_loss for record in training.run()][-1]
    trained = time.process_time()
    looker = make_looks(settings, training.state(), **ground).looker
    found: dict[str, tuple[float, float]] = {}
    for architecture in architectures(space, SETUPS[name].count):
        loss_of, accuracy = looker.look(architecture)
        found[architecture.id] = (round(accuracy, 5), round(loss_of, 5))
    seconds = {"train_s": round(trained - begun, 1), "look_s": round((time.process_time() - trained) / len(found), 3)}
    return {"train_loss": round(loss, 4), **seconds, "derived": [one.id for one in training.derived(10)], "looks": found}


def report(name: str, truth: Truth, runs: Mapping[str, Sequence[Looks]], epochs: int) -> dict[str, Any]:
    """Return all figures."""
    free = {**truth.costs, "synflow": np.array([synflow(truth.space, one) for one in truth.architectures])}
    baselines = {name: _figures([truth.taus(scores)]) for name, scores in free.items()}
    rng = np.random.default_rng(0)
    baselines["random"] = _figures([truth.taus(rng.random(len(truth.mean))) for _ in range(100)])
    best = max((name for name in free), key=lambda name: baselines[name]["tau"])
    return {
        "table": table(name).name,
        "architectures": len(truth.ids),
        "accuracy": {
            "lowest": round(float(truth.mean.min()), 4),
            "median": round(float(np.median(truth.mean)), 4),
            "highest": round(float(truth.mean.max()), 4),
        },
        "limit": LIMITS[name],
        "ceiling": truth.ceiling(),
        "baselines": baselines,
        "best_baseline": best,
        "epochs": epochs,
        "methods": {method: _method(truth, looks, free[best]) for method, looks in runs.items()},
    }


def _method(truth: Truth, runs: Sequence[Looks], baseline: np.ndarray) -> dict[str, Any]:
    """Return the figures of a method's looks, one set a seed."""
    accuracy, loss = (np.array([[looks[i][k] for i in truth.ids] for looks in runs]) for k in (0, 1))
    found = _figures([truth.taus(scores) for scores in accuracy])
    by_loss = _figures([truth.taus(-scores) for scores in loss])
    return {
        **found,
        "ahead": _ahead(truth, accuracy, baseline),
        "by_loss": by_loss,
        "mean_accuracy": round(float(accuracy.mean()), 3),
        "agreement_of_seeds": round(float(np.mean([tau(a, b) for i, a in enumerate(accuracy) for b in accuracy[:i]])), 3),
    }


def _ahead(truth: Truth, scores: np.ndarray, baseline: np.ndarray) -> dict[str, float]:
    """Return how far tau is ahead of a baseline's, with its standard error: over seeds, and over the choice of architectures."""
    rng, n = np.random.default_rng(0), len(truth.mean)

    def difference(at: np.ndarray) -> float:
        return float(np.mean([tau(s[at], truth.mean[at]) for s in scores])) - tau(baseline[at], truth.mean[at])

    ahead = difference(np.arange(n))
    over_seeds = (
        float(np.std([tau(s, truth.mean) for s in scores], ddof=1)) / math.sqrt(len(scores)) if len(scores) > 1 else math.nan
    )
    over_architectures = float(np.std([difference(rng.integers(0, n, n)) for _ in range(200)], ddof=1))
    return {"tau": round(ahead, 3), "se_seeds": round(over_seeds, 3), "se_architectures": round(over_architectures, 3)}


def _figures(taus: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return the mean of tau and its standard error, of all and of the better half."""
    values = np.array(taus)
    errors = values.std(axis=0, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else np.array([math.nan, math.nan])
    figures = {"tau": values[:, 0].mean(), "better_half": values[:, 1].mean()}
    if len(values) > 1:
        figures |= {"tau_se": errors[0], "better_half_se": errors[1]}
    return {name: round(float(value), 3) for name, value in figures.items()}


def synflow(space: Space, architecture: Architecture) -> float:
    """Return SynFlow's logarithm of a network with fresh weights; minus infinity where nothing flows."""
    dataset = images()
    network = build(space, architecture, dataset.input_shape, dataset.n_classes, fidelity=Fidelity(EPOCHS))
    initialise(network, torch.Generator().manual_seed(0))
    return SCORES["synflow"](network, torch.ones(1, *dataset.input_shape), torch.zeros(1, dtype=torch.int64))


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what is kept; a line that was cut off is passed over."""
    for line in path.read_text().splitlines() if path.exists() else ():
        with suppress(json.JSONDecodeError):
            yield json.loads(line)


def known(path: Path, method: str, epochs: int, seed: int) -> Looks:
    """Return the looks of one seed; none where there are none."""
    wanted = {"method": method, "epochs": epochs, "seed": seed}
    found: Looks = {}
    for line in lines(path):
        if wanted.items() <= line.items():
            found = line["looks"]
    return found


def keep(path: Path, line: dict[str, Any]) -> None:
    """Add a line, after one that was cut off on a line of its own."""
    whole = not path.exists() or path.read_text()[-1:] in ("", "\n")
    with path.open("a") as file:
        file.write(("" if whole else "\n") + json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
