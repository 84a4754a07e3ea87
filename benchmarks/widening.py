"""What a chain reaches that was trained in half its width for a third of its epochs, then widened exactly; against none of it.

    python benchmarks/widening.py --count 16

Random chains on the digits, 27 epochs: 9 at `width: 0.5` and 18 in full, or all in full; the first costs 20.25 epochs of full
training, the second 27. Prints JSON: the difference of the validation accuracies in points, its median, mean and standard error,
and Spearman's rank correlation of the two. A minute or two a dozen.
"""

import argparse
import json
import math
from dataclasses import replace

import numpy as np
import torch
from anneal import RUNGS, SETS, SPACE, architectures
from scipy.stats import spearmanr

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.train import TrainEstimator
from archsmith.spec import TrainingSpec
from archsmith.testing.estimators import MemoryCheckpoints
from archsmith.values import Architecture, Fidelity, GoesOn, Proposal

NARROW = Fidelity(RUNGS[-2], width=0.5)
FULL = Fidelity(RUNGS[-1])


def main() -> None:
    """Train, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=16)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dataset = SETS["digits"].load()
    rows = np.array([both(architecture, dataset) for architecture in architectures(arguments.count)])
    ahead = 100 * (rows[:, 0] - rows[:, 1])
    figures = {
        "chains": len(rows),
        "cost": (NARROW.cost + (FULL.epochs - NARROW.epochs)) / FULL.cost,
        "ahead_points": {
            "median": round(float(np.median(ahead)), 2),
            "mean": round(float(ahead.mean()), 2),
            "standard_error": round(float(ahead.std(ddof=1)) / math.sqrt(len(ahead)), 2),
        },
        "rank_correlation": round(float(spearmanr(*rows.T).statistic), 3),
    }
    print(json.dumps(figures, indent=2))


def both(architecture: Architecture, dataset: Dataset) -> tuple[float, float]:
    """Return the validation accuracy of the widened network, and of the one from scratch; 0 where it diverged."""
    device = choose_device(gpu=0, fallback="cpu")
    settings = TrainingSpec(batch_size=SETS["digits"].batch_size)
    made = TrainEstimator(dataset, SPACE, settings, device, MemoryCheckpoints(), math.inf, 0, horizon=FULL.epochs, anneal="once")

    def trained(*rungs: Proposal) -> float:
        estimator = replace(made, checkpoints=MemoryCheckpoints())
        return [estimator.estimate(rung, seed=1, progress=lambda _: None).metrics.get("accuracy", 0.0) for rung in rungs][-1]

    narrow = Proposal(architecture, NARROW)
    return trained(narrow, Proposal(architecture, FULL, GoesOn(narrow.id, NARROW.epochs))), trained(Proposal(architecture, FULL))


if __name__ == "__main__":
    main()
