"""Cells found by shared weights on Fashion-MNIST, retrained against random cells of like size.

    python benchmarks/fashion_sharing.py --out fashion-sharing.jsonl                       # hours; it goes on where it stopped
    python benchmarks/fashion_sharing.py --out try.jsonl --minutes 1 --images 2000 --epochs 2 --random 2

A search trains shared weights for as many epochs as take so many minutes of the processor, by the time that the first steps took,
and ends with the best that its method derives: `darts` with three seeds, `enas`, `gdas` and `single-path` with one each. The
latter looks at as many random cells as it can in the minutes left; its ten best and those of `enas` are trained
for an epoch each; the relaxations have their first. The winner is retrained with all its seed's random cells: as many
cells as asked for, drawn at random among those whose parameters are within a tenth of the winner's. All are trained alike, and
judged by the test images. Prints JSON: the differences in points, and their standard errors.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record_truth import trained
from shown import track
from truth import keep, lines

from archsmith.evaluation.data import Dataset, load, subset
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.sharing.make import make_looks, make_training
from archsmith.models.cost import cost_of
from archsmith.spaces.cells.cell import CellConfig
from archsmith.spec import DataSpec, TrainingSpec
from archsmith.spec.supernets import Sampled, SupernetSettings
from archsmith.strategies.sharing.relaxed import DARTSConfig, GDASConfig
from archsmith.strategies.sharing.sampled import ENASConfig, SinglePathConfig
from archsmith.values import Architecture, Fidelity, seed_from

SPACE = CellConfig(cells=5, channels=8, nodes=3, stem_multiplier=1).build()
DATA = DataSpec(name="fashion-mnist", image_size=14, validation=0.1)
N_VALIDATION = 2_000
METHODS: Mapping[str, tuple[type, int]] = {
    "darts": (DARTSConfig, 3),
    "enas": (ENASConfig, 1),
    "gdas": (GDASConfig, 1),
    "single-path": (SinglePathConfig, 1),
}
"""The settings of the search file, and how many seeds."""
SHARING, TRAINING = TrainingSpec(batch_size=64), TrainingSpec(batch_size=64)
LIKE = 0.1
"""How far the number of parameters of a random cell may be from the winner's, as a share."""
TOP = 10
SEARCHED, LOOKED = 0.75, 0.15
"""Shares of the minutes for the weights and, where there are any, for looks."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="File that keeps what is done, a line a search.")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--minutes", type=float, default=10, help="Of the processor, a search.")
    parser.add_argument("--images", type=int, default=10_000, help="To train with.")
    parser.add_argument("--epochs", type=int, default=15, help="Of retraining.")
    parser.add_argument("--random", type=int, default=6, help="Random cells beside each winner.")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    dataset, done = _images(arguments.images), list(lines(arguments.out))
    wanted = [(method, seed) for method in arguments.methods.split(",") for seed in range(METHODS[method][1])]
    for method, seed in track(wanted, "Searching"):
        if not any((line["method"], line["seed"]) == (method, seed) for line in done):
            keep(arguments.out, search(method, seed, dataset, arguments))
    settings = {name: value for name, value in vars(arguments).items() if name != "out"}
    print(json.dumps({"settings": settings, **report(list(lines(arguments.out)))}, indent=2))


def search(method: str, seed: int, dataset: Dataset, arguments: argparse.Namespace) -> dict[str, Any]:
    """Search with one seed, then retrain the winner and the random cells."""
    begun, wall = time.process_time(), time.perf_counter()
    winner, epochs = found(method, seed, dataset, arguments.minutes * 60)
    searched, waited = time.process_time() - begun, time.perf_counter() - wall
    rivals = like(winner, dataset, arguments.random, np.random.default_rng(seed))
    accuracies = [_alone(one, dataset, arguments.epochs, f"retrain/{seed}") for one in (winner, *rivals)]
    return {
        "method": method,
        "seed": seed,
        "winner": SPACE.to_text(winner),
        "n_params": _n_params(winner, dataset),
        "sharing_epochs": epochs,
        "processor_s": round(searched),
        "wall_s": round(waited),
        "test": round(accuracies[0], 5),
        "random": [round(one, 5) for one in accuracies[1:]],
        "random_n_params": [_n_params(one, dataset) for one in rivals],
    }


def found(method: str, seed: int, dataset: Dataset, seconds: float) -> tuple[Architecture, int]:
    """Return what a search ends with, and the epochs of its shared weights."""
    begun, config = time.process_time(), METHODS[method][0]
    ground: dict[str, Any] = {
        "space": SPACE, "fidelity": Fidelity(1), "training": SHARING, "device": choose_device(gpu=0, fallback="cpu"), "seed": seed
    }  # fmt: skip
    few = replace(dataset, train=subset(dataset.train, 0.1, 0))
    trial = make_training(config(epochs=1).supernet, dataset=few, **ground)
    for _ in trial.run():
        pass
    epochs = max(1, int(SEARCHED * seconds / (10 * (time.process_time() - begun)) - 0.1))
    settings: SupernetSettings = config(epochs=epochs).supernet
    training = make_training(settings, dataset=dataset, **ground)
    for _ in training.run():
        pass
    derived = training.derived(TOP)
    if not isinstance(settings, Sampled):
        return derived[0], epochs
    looker = make_looks(settings, training.state(), dataset=dataset, **ground).looker
    rng, until = np.random.default_rng(seed), begun + (SEARCHED + LOOKED) * seconds
    candidates = iter(derived) if derived else _random(rng)
    looks: dict[Architecture, float] = {}
    for one in candidates:
        if len(looks) >= TOP and time.process_time() > until:
            break
        looks[one] = looker.look(one)[1]
    best = sorted(looks, key=lambda one: -looks[one])[:TOP]
    short = [trained(SPACE, one, few, seed_from(f"short/{seed}"), 1, TRAINING)[1] for one in best]
    return best[int(np.argmax(short))], epochs


def like(winner: Architecture, dataset: Dataset, count: int, rng: np.random.Generator) -> list[Architecture]:
    """Return different random cells of about as many parameters as the winner's."""
    wanted = _n_params(winner, dataset)
    chosen: list[Architecture] = []
    for one in _random(rng):
        if abs(_n_params(one, dataset) / wanted - 1) <= LIKE and one != winner:
            chosen.append(one)
        if len(chosen) == count:
            return chosen
    raise AssertionError


def report(done: list[dict[str, Any]]) -> dict[str, Any]:
    """Return all figures, in percent and points."""
    methods: dict[str, Any] = {}
    for method in METHODS:
        runs = [line for line in done if line["method"] == method]
        if not runs:
            continue
        ahead = np.array([line["test"] - np.mean(line["random"]) for line in runs])
        spread = float(np.sqrt(np.mean([np.var(line["random"], ddof=1) for line in runs])))
        # A winner is one training, compared with the mean of some; where there are several seeds, they tell the error themselves.
        one = spread * math.sqrt(1 + 1 / len(runs[0]["random"]))
        error = float(ahead.std(ddof=1)) / math.sqrt(len(runs)) if len(runs) > 1 else one
        methods[method] = {
            "seeds": len(runs),
            "winners": [round(100 * line["test"], 2) for line in runs],
            "random": [round(100 * float(np.mean(line["random"])), 2) for line in runs],
            "ahead": round(100 * float(ahead.mean()), 2),
            "se": round(100 * error, 2),
            "processor_s": [line["processor_s"] for line in runs],
            "wall_s": [line["wall_s"] for line in runs],
        }
    return {"methods": methods}


def _images(n: int) -> Dataset:
    full = load(DATA, seed=0)
    validation = subset(full.validation, N_VALIDATION / len(full.validation), 0)
    return replace(full, train=subset(full.train, n / len(full.train), 0), validation=validation)


def _random(rng: np.random.Generator) -> Iterator[Architecture]:
    seen: set[Architecture] = set()
    while True:
        one = SPACE.canonical(SPACE.sample(rng))
        if one not in seen:
            seen.add(one)
            yield one


def _n_params(architecture: Architecture, dataset: Dataset) -> int:
    return int(cost_of(SPACE, architecture, dataset.input_shape, dataset.n_classes).n_params)


def _alone(architecture: Architecture, dataset: Dataset, epochs: int, seed: str) -> float:
    return trained(SPACE, architecture, dataset, seed_from(f"{seed}/{architecture.id}"), epochs, TRAINING)[0]


if __name__ == "__main__":
    main()
