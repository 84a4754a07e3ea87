"""The incumbent over time, against brute force."""

from collections.abc import Callable

from archsmith.report import ReportData
from archsmith.report.facts import leaderboard
from archsmith.report.pictures.incumbent import best_so_far, incumbent
from archsmith.values import Trial


def test_each_step_is_better_than_all_before_it_and_within_the_limits(search: Callable[..., ReportData]) -> None:
    objectives = ({"metric": "accuracy", "goal": "maximize"}, {"metric": "n_params", "limit": 300_000.0})
    data = search(30, objectives=objectives)
    at = {t.id: float(t.proposal.number) for t in data.history}
    fit = [t for t in data.history if t.metrics["n_params"] <= 300_000]
    expected = [t for i, t in enumerate(fit) if all(t.metrics["accuracy"] > u.metrics["accuracy"] for u in fit[:i])]
    assert best_so_far(data, at) == [(at[t.id], t.metrics["accuracy"], t) for t in expected]
    assert len(expected) > 1


def test_trials_have_the_numbers_that_the_tables_have(search: Callable[..., ReportData], trial: Callable[..., Trial]) -> None:
    best = trial(0, metrics={"accuracy": 0.99})
    data = search(0, others=[best, *(trial(k, metrics={"accuracy": 0.5}) for k in range(1, 12))])
    figure = incumbent(data, "trials")
    (axes,) = figure.axes
    assert figure.get_suptitle() == "Best accuracy: 99.00 %, found by trial #0"
    assert axes.get_lines()[1].get_xdata().tolist() == [0]
    assert axes.get_xlim()[0] < 0
    assert axes.get_xlabel() == "number of the trial"
    assert [row.trial for row in leaderboard(data) if "winner" in row.notes] == ["#0"]
