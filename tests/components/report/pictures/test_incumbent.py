"""The incumbent over time, against brute force."""

from collections.abc import Callable

from archsmith.report import ReportData
from archsmith.report.pictures.incumbent import best_so_far


def test_each_step_is_better_than_all_before_it_and_within_the_limits(search: Callable[..., ReportData]) -> None:
    objectives = ({"metric": "accuracy", "goal": "maximize"}, {"metric": "n_params", "limit": 300_000.0})
    data = search(30, objectives=objectives)
    at = {t.id: float(t.proposal.number) for t in data.history}
    fit = [t for t in data.history if t.metrics["n_params"] <= 300_000]
    expected = [t for i, t in enumerate(fit) if all(t.metrics["accuracy"] > u.metrics["accuracy"] for u in fit[:i])]
    assert best_so_far(data, at) == [(at[t.id], t.metrics["accuracy"]) for t in expected]
    assert len(expected) > 1
