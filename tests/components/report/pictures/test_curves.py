"""The learning curves: nothing of what is good is cut off."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from archsmith.report import ReportData
from archsmith.report.pictures.curves import learning_curves
from archsmith.values import EpochRecord, Fidelity, GoesOn, Stop, Trial

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


def test_each_rung_has_a_colour_and_what_went_on_is_drawn_once(search: Make, trial: MakeTrial) -> None:
    rng = np.random.default_rng(0)
    low = [trial(k, curve=curve(*rng.uniform(0.2, 0.4, 2))) for k in range(12)]
    low = [replace(t, proposal=replace(t.proposal, fidelity=Fidelity(2))) for t in low]
    gone_on = [replace(t.proposal, fidelity=Fidelity(6), origin=GoesOn(t.id, 2), number=50 + k) for k, t in enumerate(low[:3])]
    high = [trial(0, proposal=p, curve=curve(*rng.uniform(0.5, 0.9, 6))) for p in gone_on]
    high[2] = replace(high[2], status="stopped", stop=Stop(6, "median", 0.5, 0.1))
    figure = learning_curves(search(0, others=[*low, *high]))
    axes = figure.axes[0]
    drawn = {c.get_label(): len(c.get_segments()) for c in axes.collections if isinstance(c, LineCollection)}
    assert drawn == {"to 2 epochs": 9, "to 6 epochs": 3}
    assert [len(c.get_offsets()) for c in axes.collections if c.get_label() == "stopped early"] == [1]
    assert len({tuple(c.get_color()[0]) for c in axes.collections if isinstance(c, LineCollection)}) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["to 2 epochs", "to 6 epochs", "stopped early"]
    assert not learning_curves(search(3)).legends


def test_where_all_have_failed_with_a_curve_there_are_curves(search: Make, trial: MakeTrial) -> None:
    failed = [replace(trial(k, curve=curve(0.2, 0.3)), status="failed", metrics={}, error="it was killed") for k in range(3)]
    low, high = learning_curves(search(0, others=failed)).axes[0].get_ylim()
    assert low <= 0.2 < 0.3 <= high
