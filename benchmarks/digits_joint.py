"""Architecture and training searched together, on the digits, at the cost of 20 full trainings: rungs against random search.

    python benchmarks/digits_joint.py --seeds 8

A cell, or a network of several branches (`--space branch`), and its learning rate, weight decay, batch size and label smoothing;
9 epochs, rungs of 1, 3 and 9. A trial that goes on has the values of one training from the start: the curve of each architecture
is kept in a file, as far as it was trained, and no epoch of it is trained twice, whichever strategy asks for it. A run that was
stopped goes on from there.
Prints JSON: for each strategy the mean of the best validation accuracy after 9 epochs, and of its difference to that of random
search with the same seed, with their standard errors. An hour or two on one quiet core for 8 seeds, half of that for branches.
"""

import argparse
import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from digits import OBJECTIVES, Measure, cache, estimator, known, mean
from shown import track

from archsmith import spaces
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.steps.pace import Ask, Limit, Pace
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem
from archsmith.values import Fidelity, Proposal, Trial, seed_from

TRAINED = {
    "learning_rate": {"min": 0.003, "max": 3.0, "log": True, "steps": 13},
    "weight_decay": {"min": 1e-5, "max": 0.1, "log": True, "steps": 9},
    "batch_size": [16, 32, 64, 128],
    "label_smoothing": [0.0, 0.1, 0.2],
}
"""The decisions of the training."""
SPACES = {
    "cell": {"cells": 3, "channels": 8, "nodes": 2},
    "branch": {"layers": {"min": 2, "max": 6}, "filters": [8, 16, 24], "stem": 8},
}
"""Their architectures, as in `digits_strategies.py`."""
FULL = Fidelity(epochs=9)
TRAININGS = 20
SEARCHES: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("random", {}),
    "bohb": ("bohb", {}),
    "hyperband, bayesian": ("hyperband", {"sampler": {"name": "bayesian"}}),
    "hyperband": ("hyperband", {}),
    "asha, bayesian": ("asha", {"sampler": {"name": "bayesian"}}),
}


def main() -> None:
    """Run every search and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", choices=list(SPACES), default="cell")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--searches", default=";".join(SEARCHES), help="Separated by semicolons.")
    parser.add_argument("--cache", type=Path, default=Path("runs/digits-joint.sqlite"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = ["random", *(name for name in options.searches.split(";") if name != "random")]
    best = {
        (seed, name): run(options.space, name, seed, options.cache)
        for seed, name in track(list(product(range(options.seeds), names)))
    }
    ours = {name: [best[seed, name] for seed in range(options.seeds)] for name in names}
    ahead = {name: [a - b for a, b in zip(values, ours["random"], strict=True)] for name, values in ours.items()}
    rows = {name: {"accuracy": mean(ours[name]), "ahead_of_random": mean(ahead[name])} for name in names}
    for row in rows.values():
        row["standard_errors_ahead"] = round(row["ahead_of_random"]["mean"] / (row["ahead_of_random"]["standard_error"] or 1), 1)
    print(json.dumps({"space": options.space, "seeds": options.seeds, "trainings": TRAININGS, **rows}, indent=2))


def run(space_name: str, name: str, seed: int, file: Path) -> float:
    """Run a search; return the best accuracy of what was trained to its end."""
    strategy, settings = SEARCHES[name]
    space = spaces.SPACES[space_name].model_validate({**SPACES[space_name], "training": TRAINED}).build()
    asked = STRATEGIES[strategy].model_validate(settings).build(Problem(space, OBJECTIVES, FULL, TRAININGS, trainings=TRAININGS))
    measure, pace, best = kept(space, file), Pace(1, Limit(cost=TRAININGS * FULL.cost)), 0.0
    while isinstance(turn := pace.turn(), Ask):
        (proposal,) = asked.ask(turn.seen, 1, np.random.default_rng([seed, turn.number]))
        proposal = replace(proposal, number=turn.number, seen=len(turn.seen))
        trial = measure(proposal)
        pace.add(proposal)
        pace.measured(trial)
        if proposal.fidelity == FULL:
            best = max(best, trial.metrics.get("accuracy", 0.0))
    return best


def kept(space: Space, file: Path) -> Measure:
    """Return a measure that trains what no run has trained before."""
    connection = cache(file, "points (id TEXT, epoch INTEGER, accuracy REAL, PRIMARY KEY (id, epoch))")
    trains = estimator(space, TrainingSpec(), horizon=FULL.epochs, anneal="once")

    def measure(proposal: Proposal) -> Trial:
        key, epochs = proposal.architecture.id, proposal.fidelity.epochs
        query = "SELECT accuracy FROM points WHERE id = ? AND epoch = ?"
        if (row := connection.execute(query, (key, epochs)).fetchone()) is None:
            trial = trains.estimate(proposal, seed=seed_from(key), progress=lambda _: None)
            curve = [(key, r.epoch, r.val_accuracy) for r in trial.curve] if trial.status == "complete" else [(key, epochs, None)]
            connection.executemany("INSERT OR IGNORE INTO points VALUES (?, ?, ?)", curve)
            row = connection.execute(query, (key, epochs)).fetchone()
        return known(proposal, row[0])

    return measure


if __name__ == "__main__":
    main()
