"""The learning curves: nothing of what is good is cut off."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from archsmith.report import ReportData
from archsmith.report.pictures.curves import learning_curves
from archsmith.values import EpochRecord, Trial

Make = Callable[..., ReportData]
MakeTrial = Callable[..., Trial]


def curve(*accuracies: float) -> tuple[EpochRecord, ...]:
    return tuple(EpochRecord(n, n, 1.0, 1.0, a, float(n)) for n, a in enumerate(accuracies, start=1))


@pytest.mark.parametrize("seed", range(2))
def test_the_highest_point_of_all_curves_and_the_ends_of_the_best_lie_within_the_axes(
    search: Make, trial: MakeTrial, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    trials = [
        trial(k, curve=curve(*rng.uniform(0.1, 1, 5), *rng.normal(0.5, 0.02, 1)), metrics={"accuracy": 0.5, "latency_s": 1.0 + k})
        for k in range(12)
    ]
    worst = replace(trials[0], curve=curve(0.5, 0.05), metrics={"accuracy": 0.05, "latency_s": 0.1})  # and the quickest
    data = search(0, others=[worst, *trials[1:]], objectives=[{"metric": "latency_s", "goal": "minimize"}])
    low, high = learning_curves(data).axes[0].get_ylim()
    assert high > max(r.val_accuracy for t in data.history for r in t.curve)
    assert low < 0.05
