"""Architecture and training searched together, on the digits, at the cost of 20 full trainings: rungs against random search.

    python benchmarks/digits_joint.py --seeds 8

A cell and its learning rate, weight decay, batch size and label smoothing; 9 epochs, rungs of 1, 3 and 9. A trial that goes
on has the values of one training from the start, so the curve of each architecture is kept in a file, as far as it was trained,
and no epoch of it is trained twice, whichever strategy asks for it. A run that was stopped goes on from there.
Prints JSON: for each strategy the mean of the best validation accuracy after 9 epochs, and of its difference to that of random
search with the same seed, with their standard errors. An hour or two on one quiet core for 8 seeds.
"""

import argparse
import json
import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from digits_strategies import mean
from rich.progress import track

from archsmith.evaluation.data import load
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.train import TrainEstimator
from archsmith.spaces.cells.cell import CellConfig
from archsmith.spaces.space import Space
from archsmith.spec import DataSpec, Objective, TrainingSpec
from archsmith.steps.pace import Ask, Limit, Pace
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem
from archsmith.testing.estimators import MemoryCheckpoints
from archsmith.values import Fidelity, Proposal, Trial, seed_from

SPACE = CellConfig.model_validate(
    {
        "cells": 3,
        "channels": 8,
        "nodes": 2,
        "training": {
            "learning_rate": {"min": 0.003, "max": 3.0, "log": True, "steps": 13},
            "weight_decay": {"min": 1e-5, "max": 0.1, "log": True, "steps": 9},
            "batch_size": [16, 32, 64, 128],
            "label_smoothing": [0.0, 0.1, 0.2],
        },
    }
)
DATA = DataSpec(name="digits", validation=0.5)
"""As many images to validate with as to train with: a finer measure, and harder to make good."""
FULL = Fidelity(epochs=9)
TRAININGS = 20
OBJECTIVES = (Objective(metric="accuracy", goal="maximize"),)
SEARCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("random", {}),
    "bohb": ("bohb", {}),
    "hyperband, bayesian": ("hyperband", {"sampler": {"name": "bayesian"}}),
    "hyperband": ("hyperband", {}),
    "asha, bayesian": ("asha", {"sampler": {"name": "bayesian"}}),
}
Measure = Callable[[Proposal], Trial]


def main() -> None:
    """Run every search and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--searches", default=";".join(SEARCHES), help="Separated by semicolons.")
    parser.add_argument("--cache", type=Path, default=Path("runs/digits-joint.sqlite"))
    options = parser.parse_args()
    options.cache.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    names = ["random", *(name for name in options.searches.split(";") if name != "random")]
    best = {(seed, name): run(name, seed, options.cache) for seed, name in track(list(product(range(options.seeds), names)))}
    ours = {name: [best[seed, name] for seed in range(options.seeds)] for name in names}
    ahead = {name: [a - b for a, b in zip(values, ours["random"], strict=True)] for name, values in ours.items()}
    rows = {name: {"accuracy": mean(ours[name]), "ahead_of_random": mean(ahead[name])} for name in names}
    for row in rows.values():
        row["standard_errors_ahead"] = round(row["ahead_of_random"]["mean"] / (row["ahead_of_random"]["standard_error"] or 1), 1)
    print(json.dumps({"seeds": options.seeds, "trainings": TRAININGS, **rows}, indent=2))


def run(name: str, seed: int, cache: Path) -> float:
    """Run a search; return the best accuracy of what was trained to its end."""
    strategy, settings = SEARCHES[name]
    space = SPACE.build()
    asked = STRATEGIES[strategy].model_validate(settings).build(Problem(space, OBJECTIVES, FULL, TRAININGS))
    measure, pace, best = kept(space, cache), Pace(1, Limit(cost=TRAININGS * FULL.cost)), 0.0
    while isinstance(turn := pace.turn(), Ask):
        (proposal,) = asked.ask(turn.seen, 1, np.random.default_rng([seed, turn.number]))
        proposal = replace(proposal, number=turn.number, seen=len(turn.seen))
        trial = measure(proposal)
        pace.add(proposal)
        pace.measured(trial)
        if proposal.fidelity == FULL:
            best = max(best, trial.metrics.get("accuracy", 0.0))
    return best


def kept(space: Space, cache: Path) -> Measure:
    """Return a measure that trains what no run has trained before."""
    connection = sqlite3.connect(cache, timeout=60, isolation_level=None)
    connection.execute("CREATE TABLE IF NOT EXISTS points (id TEXT, epoch INTEGER, accuracy REAL, PRIMARY KEY (id, epoch))")
    estimator = TrainEstimator(
        load(DATA, seed=0), space, TrainingSpec(), choose_device(gpu=0, fallback="cpu"), MemoryCheckpoints(), math.inf, 0,
        horizon=FULL.epochs, anneal="once",
    )  # fmt: skip

    def measure(proposal: Proposal) -> Trial:
        key, epochs = proposal.architecture.id, proposal.fidelity.epochs
        query = "SELECT accuracy FROM points WHERE id = ? AND epoch = ?"
        if (row := connection.execute(query, (key, epochs)).fetchone()) is None:
            trial = estimator.estimate(proposal, seed=seed_from(key), progress=lambda _: None)
            points = (
                [(key, r.epoch, r.val_accuracy) for r in trial.curve] if trial.status == "complete" else [(key, epochs, None)]
            )
            connection.executemany("INSERT OR IGNORE INTO points VALUES (?, ?, ?)", points)
            row = connection.execute(query, (key, epochs)).fetchone()
        if row[0] is None:
            return Trial(proposal, "failed", error="DivergedError: as it was when it was trained")
        return Trial(proposal, "complete", {"accuracy": row[0]})

    return measure


if __name__ == "__main__":
    main()
