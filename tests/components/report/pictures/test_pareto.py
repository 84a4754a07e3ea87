"""The front of a Pareto plot, against brute force."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from archsmith.report import ReportData
from archsmith.report.facts import leaderboard
from archsmith.report.facts import noise as noise_of
from archsmith.report.pictures.pareto import front, pareto
from archsmith.selection import select
from archsmith.values import Fidelity, History, Trial

Make = Callable[..., ReportData]
MakeTrial = Callable[..., Trial]


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_brute_force_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [(float(c), float(a)) for c, a in rng.integers(1, 12, size=(30, 2))]
    beaten = {p for p in points for q in points if q != p and q[0] <= p[0] and q[1] >= p[1]}
    assert front(points) == sorted(set(points) - beaten)


def test_no_points_have_no_front() -> None:
    assert front([]) == []


BOTH = ({"metric": "accuracy", "goal": "maximize"}, {"metric": "n_params", "goal": "minimize"})


def labelled(figure: Figure, name: str) -> set[tuple[float, float]]:
    """Return the points that the legend calls so."""
    (axes,) = figure.axes
    lines = {tuple(p) for line in axes.get_lines() if line.get_label() == name for p in line.get_xydata()}
    return lines | {tuple(p) for dots in axes.collections if dots.get_label() == name for p in dots.get_offsets()}


@pytest.mark.parametrize("seed", range(2))
def test_the_front_of_picture_and_table_is_the_selections(search: Make, trial: MakeTrial, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = [
        trial(k, metrics={"accuracy": float(a) / 10, "n_params": float(n), "latency_s": 1.0})
        for k, (a, n) in enumerate(rng.integers(1, 9, size=(30, 2)))
    ]
    data = search(0, others=found, objectives=BOTH)
    # A trial at another fidelity that would beat all of them is no part of the front.
    better = replace(found[0], proposal=replace(found[0].proposal, number=99, fidelity=Fidelity(1)))
    history = History.of([*found, replace(better, metrics={"accuracy": 0.99, "n_params": 1.0, "latency_s": 1.0})])
    data = replace(data, history=history, selection=select(history, data.spec.objectives, found[0].proposal.fidelity))
    front = {(t.metrics["n_params"], t.metrics["accuracy"]) for t in found if t.id in data.selection.front}
    assert labelled(pareto(data, "n_params"), "front") == front
    noted = [row.id for row in leaderboard(data) if "front" in row.notes]
    assert sorted(noted) == sorted(data.selection.front)
    marked = labelled(pareto(data, "latency_s"), "front")
    assert {accuracy for _, accuracy in marked} == {accuracy for _, accuracy in front}


def test_with_one_goal_nothing_is_called_front(search: Make) -> None:
    data = search(12)
    assert not labelled(pareto(data, "n_params"), "front")
    assert labelled(pareto(data, "n_params"), "best at its cost")
    assert not [row for row in leaderboard(data) if "front" in row.notes]


@pytest.mark.parametrize(
    ("latencies", "noise"),
    [([(1.0, 0.3), (1.5, 0.3)], True), ([(1.0, 0.2), (1.5, 0.2)], False), ([(1.0, 0.3), (1.5, 0.3), (2.0, 0.3)], False)],
)
def test_latencies_that_differ_by_no_more_than_their_spread_are_called_noise(
    search: Make, trial: MakeTrial, latencies: list[tuple[float, float]], noise: bool
) -> None:
    found = [
        trial(k, metrics={"accuracy": 0.5 + k / 10, "n_params": 5.0, "latency_s": s, "latency_spread_s": d})
        for k, (s, d) in enumerate(latencies)
    ]
    data = search(0, others=found)
    assert ("noise" in pareto(data, "latency_s").get_suptitle()) == noise
    assert leaderboard(data)[-1].cells[-1] == f"1 ± {latencies[0][1]:g} s"


def test_the_trials_whose_latency_may_be_the_winners_are_counted(search: Make, trial: MakeTrial) -> None:
    spreads = [(1.0, 0.1), (1.1, 0.05), (1.3, 0.1), (0.5, 0.45)]
    found = [
        trial(k, metrics={"accuracy": 0.9 - k / 10, "latency_s": s, "latency_spread_s": d}) for k, (s, d) in enumerate(spreads)
    ]
    assert "Those of 2 of 3 other trials differ from the winner's by no more than that" in noise_of(search(0, others=found))
    assert noise_of(search(3)) == ""  # nothing is known of their spreads
