"""Every strategy on real spaces, with real trainings on the digits, against random search at equal budget.

    python benchmarks/digits_strategies.py --seeds 10 --trials 40 --spaces cell,branch

Each trial is a training of the estimator `train`, whose result depends on the architecture alone; so it is kept in a
file and no architecture is trained twice, whichever strategy asks for it. A run that was stopped goes on from there.
Prints JSON: for each space and strategy the mean of the best validation accuracy, and of its difference to that of random
search with the same seed, with their standard errors.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from digits import OBJECTIVES, Measure, cache, estimator, known, mean
from shown import track

from archsmith.spaces import SPACES
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem
from archsmith.values import Fidelity, History, Proposal, Trial, seed_from

SETTINGS: dict[str, dict[str, Any]] = {
    "cell": {"cells": 3, "channels": 8, "nodes": 2},
    "branch": {"layers": {"min": 2, "max": 6}, "filters": [8, 16, 24], "stem": 8},
}
"""Spaces whose networks train in a fraction of a second; all else is at its default."""

FIDELITY = Fidelity(epochs=1)
TRAINING = TrainingSpec(batch_size=32)


def main() -> None:
    """Run every strategy and seed on every space."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--spaces", default=",".join(SETTINGS))
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path("runs/digits-strategies.sqlite"))
    arguments = parser.parse_args()
    strategies = ["random", *(s for s in arguments.strategies.split(",") if s != "random")]
    jobs = list(product(arguments.spaces.split(","), range(arguments.seeds), strategies))
    with ProcessPoolExecutor(arguments.jobs) as pool:
        futures = [pool.submit(run, *job, arguments.trials, arguments.cache) for job in jobs]
        best = {job: future.result() for job, future in track(list(zip(jobs, futures, strict=True)), "Searching")}
    print(json.dumps({space: table(space, strategies, arguments.seeds, best) for space in arguments.spaces.split(",")}, indent=2))


def table(space: str, strategies: list[str], seeds: int, best: dict[tuple[str, int, str], float]) -> dict[str, Any]:
    """Summarise the runs on a space."""
    rows = {}
    for strategy in strategies:
        ours = [best[space, seed, strategy] for seed in range(seeds)]
        ahead = [a - best[space, seed, "random"] for seed, a in enumerate(ours)]
        rows[strategy] = {"accuracy": mean(ours), "ahead_of_random": mean(ahead)}
    return rows


def run(space_name: str, seed: int, strategy: str, trials: int, file: Path) -> float:
    """Run a search; return the best validation accuracy that it found."""
    torch.set_num_threads(1)
    space = SPACES[space_name].model_validate(SETTINGS[space_name]).build()
    asked = STRATEGIES[strategy]().build(Problem(space, OBJECTIVES, FIDELITY, trials))
    measure, history = kept(space, file), History()
    while len(history) < trials:
        proposals = asked.ask(history, 1, np.random.default_rng([seed, len(history)]))
        numbered = [replace(p, number=len(history), round=len(history)) for p in proposals]
        history = History((*history.trials, *map(measure, numbered)))
    return max(t.metrics.get("accuracy", 0.0) for t in history)


def kept(space: Space, file: Path) -> Measure:
    """Return a measure that trains what no run has trained before."""
    connection = cache(file, "trials (id TEXT PRIMARY KEY, accuracy REAL, seconds REAL)")
    trains = estimator(space, TRAINING)

    def measure(proposal: Proposal) -> Trial:
        key = f"{space.name}/{space.size()}/{proposal.id}"
        row = connection.execute("SELECT accuracy FROM trials WHERE id = ?", (key,)).fetchone()
        if row is None:
            begun = time.perf_counter()
            trial = trains.estimate(proposal, seed=seed_from(proposal.id), progress=lambda _: None)
            row = (trial.metrics.get("accuracy"),)
            values = (key, row[0], time.perf_counter() - begun)
            connection.execute("INSERT OR IGNORE INTO trials VALUES (?, ?, ?)", values)
        return known(proposal, row[0])

    return measure


if __name__ == "__main__":
    main()
