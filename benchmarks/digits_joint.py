"""Architecture and training searched together, on the digits, at the cost of 20 full trainings: rungs against random search.

    python benchmarks/digits_joint.py --seeds 12                              # chains, rungs of 1, 3, 9 and 27 epochs
    python benchmarks/digits_joint.py --space cell --epochs 9 --seeds 8       # or networks of several branches: `--space branch`

A chain of layers, a cell or a network of several branches, and its learning rate, weight decay, batch size and label smoothing.
The learning rate comes down in each rung anew, as by default, where `--anneal once` does not say otherwise. What is trained is
kept in a file, whichever strategy asks for it, and a run that was stopped goes on from there.

Prints JSON: for each strategy the mean of the best validation accuracy of what was trained in full, and of its difference to that
of random search with the same seed, with their standard errors. Chains take a minute a search on a quiet core, cells and branches
several.
"""

import argparse
import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from digits import OBJECTIVES, cache, estimator, known, mean
from shown import track

from archsmith import spaces
from archsmith.evaluation.config import ANNEAL, Anneal
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.steps.pace import Ask, Limit, Pace
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem
from archsmith.values import Fidelity, GoesOn, Proposal, Trial, seed_from

TRAINED = {
    "learning_rate": {"min": 0.003, "max": 3.0, "log": True, "steps": 13},
    "weight_decay": {"min": 1e-5, "max": 0.1, "log": True, "steps": 9},
    "batch_size": [16, 32, 64, 128],
    "label_smoothing": [0.0, 0.1, 0.2],
}
"""The decisions of the training."""
SPACES: dict[str, dict[str, Any]] = {
    "chain": {"layers": {"min": 1, "max": 6}, "filters": [8, 16, 32]},
    "cell": {"cells": 3, "channels": 8, "nodes": 2},
    "branch": {"layers": {"min": 2, "max": 6}, "filters": [8, 16, 24], "stem": 8},
}
"""Their architectures."""
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
    parser.add_argument("--space", choices=list(SPACES), default="chain")
    parser.add_argument("--epochs", type=int, default=27, help="Of a full training.")
    parser.add_argument("--anneal", choices=get_args(Anneal), default=ANNEAL)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--searches", default=";".join(SEARCHES), help="Separated by semicolons.")
    parser.add_argument("--cache", type=Path, default=Path("runs/digits-joint.sqlite"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    names = ["random", *(name for name in options.searches.split(";") if name != "random")]
    best = {(seed, name): run(name, seed, options) for seed, name in track(list(product(seeds, names)))}
    ours = {name: [best[seed, name] for seed in seeds] for name in names}
    ahead = {name: [a - b for a, b in zip(values, ours["random"], strict=True)] for name, values in ours.items()}
    rows = {name: {"accuracy": mean(ours[name]), "ahead_of_random": mean(ahead[name])} for name in names}
    for row in rows.values():
        row["standard_errors_ahead"] = round(row["ahead_of_random"]["mean"] / (row["ahead_of_random"]["standard_error"] or 1), 1)
    settings = {"space": options.space, "epochs": options.epochs, "anneal": options.anneal, "trainings": TRAININGS}
    print(json.dumps({**settings, "seeds": options.seeds, **rows}, indent=2))


def run(name: str, seed: int, options: argparse.Namespace) -> float:
    """Run a search; return the best accuracy of what was trained to its end."""
    strategy, settings = SEARCHES[name]
    space = spaces.SPACES[options.space].model_validate({**SPACES[options.space], "training": TRAINED}).build()
    full = Fidelity(epochs=options.epochs)
    problem = Problem(space, OBJECTIVES, full, TRAININGS, trainings=TRAININGS)
    asked = STRATEGIES[strategy].model_validate(settings).build(problem)
    measure, pace, best = Trainer(space, options), Pace(1, Limit(cost=TRAININGS * full.cost)), 0.0
    while isinstance(turn := pace.turn(), Ask) and (made := asked.ask(turn.seen, 1, np.random.default_rng([seed, turn.number]))):
        proposal = replace(made[0], number=turn.number, seen=len(turn.seen))
        trial = measure(proposal)
        pace.add(proposal)
        pace.measured(trial)
        if proposal.fidelity == full:
            best = max(best, trial.metrics.get("accuracy", 0.0))
    return best


class Trainer:
    """Trains what no run has trained before.

    Args:
        space: The search space.
        options: The schedule of the learning rate, its epochs, and the file that keeps what was trained.
    """

    def __init__(self, space: Space, options: argparse.Namespace) -> None:
        self._kept = cache(options.cache, "points (id TEXT PRIMARY KEY, accuracy REAL)")
        self._key = f"{options.space} {options.epochs} {options.anneal}"
        self._trains = estimator(space, TrainingSpec(), horizon=options.epochs, anneal=options.anneal)
        self._proposals: dict[str, Proposal] = {}

    def __call__(self, proposal: Proposal) -> Trial:
        """Return the trial of a proposal; what it goes on from was asked for before."""
        self._proposals[proposal.id] = proposal
        key = f"{self._key} {proposal.id}"
        if (row := self._kept.execute("SELECT accuracy FROM points WHERE id = ?", (key,)).fetchone()) is None:
            row = (self._train(proposal),)
            self._kept.execute("INSERT OR IGNORE INTO points VALUES (?, ?)", (key, *row))
        return known(proposal, row[0])

    def _train(self, proposal: Proposal) -> float | None:
        """Return the accuracy, None where the training fails; what it goes on from is trained again where an earlier run did."""
        if isinstance(origin := proposal.origin, GoesOn) and self._trains.checkpoints.read(origin.trial) is None:
            self._train(self._proposals[origin.trial])
        trial = self._trains.estimate(proposal, seed=seed_from(proposal.architecture.id), progress=lambda _: None)
        return trial.metrics["accuracy"] if trial.status == "complete" else None


if __name__ == "__main__":
    main()
