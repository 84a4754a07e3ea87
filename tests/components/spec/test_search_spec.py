import math

import pytest
from pydantic import ValidationError

from archsmith.spec import BudgetSpec, Objective, ResourcesSpec, TrainingSpec
from archsmith.values import Architecture, Fidelity, Proposal, Trial


def trial(**metrics: float) -> Trial:
    return Trial(Proposal(Architecture("s", ()), Fidelity(1)), "complete", metrics)


@pytest.mark.parametrize(
    ("trials", "rounds", "round_size"),
    [(24, 3, 8), (25, 3, 9), (1, 1, 1), (60, 60, 1), (None, 5, 8), (1000, None, 1), (None, None, 1)],
)
def test_the_trials_of_a_budget_are_divided_among_its_rounds_and_else_made_one_by_one(
    trials: int | None, rounds: int | None, round_size: int
) -> None:
    assert BudgetSpec(trials=trials, rounds=rounds).round_size == round_size


def test_there_are_no_rounds_of_trials_whose_number_nobody_knows() -> None:
    with pytest.raises(ValidationError, match=r"`rounds` is 5, but there are no `trials` to divide among them, only `trainings`"):
        BudgetSpec(trainings=40.0, rounds=5)
    assert BudgetSpec(trainings=40.0, trials=20, rounds=5).round_size == 4


@pytest.mark.parametrize(("memory", "mb"), [("4Gi", 4294.967296), ("512Mi", 536.870912), ("4G", 4000), ("250M", 250)])
def test_memory_is_counted_as_kubernetes_does(memory: str, mb: float) -> None:
    assert ResourcesSpec(memory=memory).memory_mb == pytest.approx(mb)
    assert ResourcesSpec().memory_mb is None


@pytest.mark.parametrize("memory", ["4", "4GB", "0Gi", "1.5Gi", "Gi", "4 Gi", "4Gi\n"])
def test_other_amounts_of_memory_are_refused(memory: str) -> None:
    with pytest.raises(ValidationError):
        ResourcesSpec(memory=memory)


def test_the_direction_of_a_limit_is_that_of_the_goal_or_of_the_metric() -> None:
    small, accurate = Objective(metric="n_params", limit=10), Objective(metric="accuracy", limit=0.5)
    large = Objective(metric="n_params", goal="maximize", limit=10)
    assert [small.allows(v) for v in (9, 10, 11)] == [True, True, False]
    assert [accurate.allows(v) for v in (0.4, 0.5, 0.6)] == [False, True, True]
    assert [large.allows(v) for v in (9, 10, 11)] == [False, True, True]
    assert Objective(metric="n_params", goal="minimize").allows(math.inf)


def test_the_cost_of_a_trial_is_to_be_minimized_whatever_the_goal() -> None:
    accuracy, latency = Objective(metric="accuracy", goal="maximize"), Objective(metric="latency_s", goal="minimize")
    assert accuracy.cost(trial(accuracy=0.9)) < accuracy.cost(trial(accuracy=0.8)) < math.inf
    assert latency.cost(trial(latency_s=1)) < latency.cost(trial(latency_s=2)) < math.inf
    for objective in (accuracy, latency):
        for value in (math.nan, math.inf, -math.inf):
            assert objective.cost(trial(accuracy=value, latency_s=value)) == math.inf
        assert objective.cost(trial()) == math.inf


def test_a_section_never_changes() -> None:
    with pytest.raises(ValidationError):
        TrainingSpec().batch_size = 3  # type: ignore[misc]
