import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from archsmith.selection import keeps_limits, ranked, select, spread
from archsmith.spec import Objective, RetrainSpec
from archsmith.values import Architecture, Fidelity, History, Proposal, Shared, Stop, Trial
from archsmith.values.outcome import Selection

FULL = Fidelity(epochs=4)
ACCURACY = Objective(metric="accuracy", goal="maximize")
LATENCY = Objective(metric="latency_s", goal="minimize")
SMALL = Objective(metric="n_params", limit=1000)


def trial(number: int, *, fidelity: Fidelity = FULL, error: str | None = None, **metrics: float) -> Trial:
    proposal = Proposal(Architecture("s", (number,)), fidelity, number=number)
    return Trial(proposal, "failed" if error else "complete", metrics, error=error)


def stopped_trial(number: int, **metrics: float) -> Trial:
    proposal = Proposal(Architecture("s", (number,)), FULL, number=number)
    return Trial(proposal, "stopped", metrics, stop=Stop(2, "median", 0.99, 0.01))


def chosen(trials: list[Trial], *objectives: Objective) -> tuple[int | None, set[int], str]:
    """Return the numbers of the winner and of the front, and the reason."""
    selection = select(History.of(trials), objectives, FULL)
    numbers = {t.id: t.proposal.number for t in trials}
    return numbers.get(selection.winner or ""), {numbers[id_] for id_ in selection.front}, selection.reason


def test_the_best_of_one_objective_wins() -> None:
    trials = [trial(0, accuracy=0.5), trial(1, accuracy=0.9), trial(2, accuracy=0.7)]
    winner, front, reason = chosen(trials, ACCURACY)
    assert (winner, front) == (1, {1})
    assert reason == "maximize accuracy: 0.9 is the best of 3 trials within the limits"
    assert chosen(trials, Objective(metric="accuracy", goal="minimize"))[0] == 0


def test_of_equal_trials_the_one_with_fewer_parameters_wins_then_with_fewer_flops_then_the_earlier() -> None:
    trials = [
        trial(0, accuracy=0.9, n_params=20, flops=1),
        trial(1, accuracy=0.9, n_params=10, flops=9),
        trial(2, accuracy=0.9, n_params=10, flops=5),
        trial(3, accuracy=0.9, n_params=10, flops=5),
        trial(4, accuracy=0.9),
    ]
    assert chosen(trials, ACCURACY)[0] == 2
    assert chosen(trials[:2], ACCURACY)[0] == 1
    assert chosen([trials[4], trials[0]], ACCURACY)[0] == 0


def test_trials_at_a_higher_fidelity_rank_before_those_at_a_lower_one_whatever_these_promise() -> None:
    low, mid = Fidelity(epochs=1), Fidelity(epochs=2)
    trials = [
        trial(0, fidelity=low, accuracy=0.99), trial(1, accuracy=0.7), trial(2, fidelity=mid, accuracy=0.9),
        trial(3, accuracy=0.8), trial(4, accuracy=0.95, n_params=2000), trial(5, fidelity=low, accuracy=0.5, n_params=10),
    ]  # fmt: skip
    assert [t.proposal.number for t in ranked(History.of(trials), (ACCURACY,))] == [4, 3, 1, 2, 0, 5]
    assert [t.proposal.number for t in ranked(History.of(trials), (ACCURACY, SMALL))] == [4, 3, 1, 2, 5, 0]


def test_what_was_looked_at_with_shared_weights_may_be_named_to_be_trained_in_full() -> None:
    look = Trial(Proposal(Architecture("s", (0,)), FULL, Shared(), number=0), "complete", {"accuracy": 0.99})
    history = History.of([look, trial(1, accuracy=0.5)])
    assert select(history, (ACCURACY,), FULL, RetrainSpec(trial=0)).retrained == (history.trials[1].id, look.id)


def test_what_was_measured_with_shared_weights_never_wins() -> None:
    look = Trial(Proposal(Architecture("s", (0,)), FULL, Shared(), number=0), "complete", {"accuracy": 0.99})
    assert chosen([look, trial(1, accuracy=0.5)], ACCURACY)[:2] == (1, {1})
    assert chosen([look], ACCURACY)[::2] == (
        None,
        "every architecture was measured with shared weights only, and none was trained on its own",
    )


def test_the_front_has_what_no_other_trial_beats_and_its_most_accurate_wins() -> None:
    trials = [
        trial(0, accuracy=0.9, latency_s=3.0),
        trial(1, accuracy=0.8, latency_s=2.0),
        trial(2, accuracy=0.8, latency_s=2.5),  # beaten by 1
        trial(3, accuracy=0.7, latency_s=1.0),
        trial(4, accuracy=0.9, latency_s=3.0),
    ]
    winner, front, _ = chosen(trials, ACCURACY, LATENCY)
    assert (winner, front) == (0, {0, 1, 3})  # 4 is as good as 0, and came later
    assert chosen(trials, LATENCY, ACCURACY)[0] == 3


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_brute_force_finds_and_has_one_trial_of_equals(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [(int(a), int(s), int(p)) for a, s, p in rng.integers(1, 7, size=(25, 3))]
    trials = [trial(k, accuracy=a / 10, latency_s=float(s), n_params=p) for k, (a, s, p) in enumerate(rows)]

    def beats(one: int, two: int) -> bool:
        (a, s, p), (b, t, q) = rows[one], rows[two]
        if (a, s) == (b, t):
            return (p, one) < (q, two)
        return a >= b and s <= t

    brute = {k for k in range(25) if not any(beats(j, k) for j in range(25) if j != k)}
    winner, front, _ = chosen(trials, ACCURACY, LATENCY)
    assert front == brute
    assert winner == max(brute, key=lambda k: rows[k][0])


def test_a_tie_with_more_parameters_is_not_on_the_front() -> None:
    trials = [trial(0, accuracy=0.9, n_params=20), trial(1, accuracy=0.9, n_params=10), trial(2, accuracy=0.9)]
    assert chosen(trials, ACCURACY)[:2] == (1, {1})


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("of", range(1, 8))
def test_some_of_a_front_are_its_ends_and_what_lies_evenly_between(n: int, of: int) -> None:
    front = [str(k) for k in range(of)]
    found = [int(k) for k in spread(front, n)]
    assert len(found) == min(n, of)
    assert found[0] == 0
    assert found[-1] == (of - 1 if n > 1 else 0)
    gaps = [b - a for a, b in pairwise(found)]
    assert all(gap > 0 for gap in gaps)
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


@pytest.mark.parametrize(
    ("retrain", "others"),
    [
        ({}, []),
        ({"front": 2}, [3]),
        ({"front": 9}, [1, 3]),
        ({"trial": 2}, [2]),
        ({"trial": 0}, []),
        ({"front": 2, "trial": 1}, [3, 1]),
    ],
)
def test_what_else_is_retrained_is_spread_along_the_front_or_named(retrain: dict[str, Any], others: list[int]) -> None:
    trials = [trial(k, accuracy=a, latency_s=s) for k, (a, s) in enumerate([(0.9, 3.0), (0.8, 2.0), (0.8, 2.5), (0.7, 1.0)])]
    selection = select(History.of(trials), (ACCURACY, LATENCY), FULL, RetrainSpec(**retrain))
    assert selection.retrained == (trials[0].id, *(trials[k].id for k in others))
    assert Selection.from_dict(selection.to_dict()) == selection


def test_a_selection_of_an_earlier_version_retrains_its_winner() -> None:
    assert Selection.from_dict({"winner": "a", "front": ["a", "b"], "reason": "r"}).retrained == ("a",)


def test_the_winner_is_on_the_front_where_a_cheaper_one_of_equal_accuracy_is_not() -> None:
    trials = [trial(0, accuracy=0.9, latency_s=5.0, n_params=10), trial(1, accuracy=0.9, latency_s=1.0, n_params=20)]
    assert chosen(trials, ACCURACY, LATENCY)[:2] == (1, {1})


def test_a_trial_beyond_a_limit_never_wins() -> None:
    trials = [trial(0, accuracy=0.9, n_params=1001), trial(1, accuracy=0.8, n_params=1000), trial(2, accuracy=0.7)]
    assert chosen(trials, ACCURACY, SMALL)[:2] == (1, {1})
    at_least = Objective(metric="accuracy", goal="maximize", limit=0.85)
    assert chosen(trials, at_least)[:2] == (0, {0})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_finite_never_wins(value: float) -> None:
    for objective in (ACCURACY, Objective(metric="accuracy", goal="minimize")):
        assert chosen([trial(0, accuracy=value), trial(1, accuracy=0.1)], objective)[:2] == (1, {1})


def test_trials_at_another_fidelity_do_not_compare() -> None:
    trials = [trial(0, accuracy=0.5), trial(1, accuracy=0.9, fidelity=Fidelity(1))]
    assert chosen(trials, ACCURACY)[0] == 0


def test_a_stopped_trial_never_wins() -> None:
    stopped = stopped_trial(9, accuracy=0.99)
    assert chosen([trial(0, accuracy=0.5), stopped], ACCURACY)[:2] == (0, {0})
    assert chosen([stopped], ACCURACY) == (None, set(), "none of 1 trials is complete: 1 were stopped early, 0 failed")


def test_where_the_last_rung_is_not_reached_the_best_at_the_highest_that_is_wins_and_it_is_said() -> None:
    rungs = [trial(k, accuracy=0.9 - k / 10, fidelity=Fidelity(epochs)) for k, epochs in enumerate((1, 3, 3))]
    winner, front, reason = chosen([*rungs, stopped_trial(9, accuracy=0.99)], ACCURACY)
    assert (winner, front) == (1, {1})
    assert reason == (
        "maximize accuracy: 0.8 is the best of 2 trials within the limits, at 3 epochs, as none is complete at 4 epochs"
    )
    wide = trial(5, accuracy=0.1, fidelity=Fidelity(3, width=0.5))  # a quarter of the cost
    assert chosen([rungs[0], wide], ACCURACY)[0] == 0


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ([], "no trial has run"),
        (
            [trial(0, error="DivergedError: it.", fidelity=Fidelity(1))],
            "no trial has run at the fidelity of this search",
        ),
        (
            [trial(0, error="DivergedError: first."), trial(1, error="OutOfMemoryError: last.")],
            "all 2 trials failed; the last one: OutOfMemoryError: last",
        ),
        (
            [trial(0, accuracy=0.9, n_params=3000), trial(1, accuracy=0.8, n_params=1500), trial(2, error="E: .")],
            "none of 2 completed trials keeps all limits: n_params must be <= 1000, the best is 1500",
        ),
        (
            [trial(0, accuracy=math.nan, n_params=5)],
            "none of 1 completed trials keeps all limits: accuracy is finite in none of them; "
            "n_params must be <= 1000, the best is 5",
        ),
    ],
)
def test_without_a_winner_the_reason_says_what_is_in_the_way(trials: list[Trial], reason: str) -> None:
    selection = select(History.of(trials), (ACCURACY, SMALL), FULL)
    assert (selection.winner, selection.front) == (None, ())
    assert selection.reason == reason


def test_a_ranking_has_those_within_the_limits_first_and_no_failed_ones() -> None:
    metrics: list[dict[str, Any]] = [
        {"accuracy": 0.9, "n_params": 2000},
        {"accuracy": 0.5, "n_params": 10},
        {"accuracy": 0.6, "n_params": 10},
        {},
    ]
    trials = [trial(k, **m) for k, m in enumerate(metrics)] + [trial(9, error="E: .")]
    assert [t.proposal.number for t in ranked(History.of(trials), (ACCURACY, SMALL))] == [2, 1, 0, 3]
    assert [keeps_limits(t, (ACCURACY, SMALL)) for t in trials[:4]] == [False, True, True, False]
