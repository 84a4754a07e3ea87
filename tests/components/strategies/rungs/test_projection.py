"""What a sampler sees of a search with rungs."""

import math

import pytest

from archsmith.strategies.rungs.projection import Projection
from archsmith.testing.strategies import small_space
from archsmith.values import Fidelity, FromScratch, GoesOn, History, Proposal, Trial

LADDER = (Fidelity(1), Fidelity(3), Fidelity(9))
SPACE = small_space()


def proposal(place: int, rung: int, number: int) -> Proposal:
    origin = GoesOn("0123456789ab", LADDER[rung - 1].epochs) if rung else FromScratch()
    return Proposal(SPACE.at(place), LADDER[rung], origin, number=number)


def complete(place: int, rung: int, number: int, accuracy: float = 0.5) -> Trial:
    return Trial(proposal(place, rung, number), "complete", {"accuracy": accuracy})


def failed(place: int, rung: int, number: int) -> Trial:
    return Trial(proposal(place, rung, number), "failed", error="OutOfMemoryError: too large")


def project(history: History, enough: int, lifted: tuple[str, ...] = ()) -> History:
    return Projection(LADDER, enough, lambda t: math.isfinite(t.metrics.get("accuracy", math.nan)), lifted)(history)


def places(history: History) -> tuple[list[int], list[int]]:
    everything = list(SPACE.enumerate())
    shown = [everything.index(t.proposal.architecture) for t in history]
    return shown, [everything.index(p.architecture) for p in history.running]


HISTORY = History(
    (
        *(complete(k, 0, k) for k in range(6)),
        failed(6, 0, 6),
        *(complete(k, 1, 7 + k, 0.1 * k) for k in range(3)),
        failed(3, 1, 10),
        complete(0, 2, 11),
    ),
    (proposal(7, 0, 12), proposal(1, 2, 13)),
)


def test_the_highest_rung_with_enough_results_is_shown_as_if_at_the_full_fidelity():
    shown = project(HISTORY, 3)
    assert places(shown) == ([6, 0, 1, 2, 3], [4, 5, 7])
    assert {p.fidelity for p in shown.proposals} == {LADDER[-1]}
    assert {p.origin for p in shown.proposals} == {FromScratch()}
    assert [t.metrics.get("accuracy") for t in shown.completed] == [0.0, 0.1, 0.2]


def test_where_too_few_are_on_the_rungs_above_a_lower_one_is_shown_and_nothing_is_forgotten():
    assert places(project(HISTORY, 4)) == ([0, 1, 2, 3, 4, 5, 6], [7])
    assert places(project(HISTORY, 1)) == ([6, 3, 0], [1, 2, 4, 5, 7])


def test_where_no_rung_has_enough_the_one_with_the_most_is_shown():
    assert places(project(HISTORY, 50)) == ([0, 1, 2, 3, 4, 5, 6], [7])


def test_what_is_of_no_rung_is_not_shown():
    other = Trial(Proposal(SPACE.at(9), Fidelity(2)), "complete", {"accuracy": 0.5})
    assert project(History((other,)), 3) == History()


def test_the_same_trial_is_shown_as_the_same_trial():
    projection = Projection(LADDER, 3, lambda t: bool(t.metrics), ("accuracy",))
    first = projection(HISTORY)
    again = projection(History((*HISTORY.trials, complete(8, 0, 14)), HISTORY.running))
    assert len(again) == len(first) + 1
    assert {id(t) for t in first} < {id(t) for t in again}


def test_what_is_on_other_rungs_is_lifted_by_what_those_on_both_have_gained():
    shown = project(HISTORY, 3, ("accuracy",))
    assert places(shown) == ([4, 5, 6, 0, 1, 2, 3], [7])
    # Those of places 0, 1 and 2 had 0.5 on the lowest rung and 0, 0.1 and 0.2 on the next one; that of place 3 failed there.
    assert [t.metrics.get("accuracy") for t in shown.completed] == pytest.approx([0.1, 0.1, 0.0, 0.1, 0.2])
    assert [t.proposal.number for t in shown.failed] == [6, 10]


def test_of_several_rungs_the_nearest_is_lifted_and_what_is_only_above_is_lowered():
    trials = [
        *(complete(k, 0, k, 0.1) for k in range(4)),
        *(complete(k, 1, 10 + k, 0.3) for k in (0, 1)),
        complete(0, 2, 20, 0.7),
    ]
    trials += [complete(0, 2, 20, 0.7), complete(9, 2, 21, 0.9)]
    shown = project(History(tuple(trials)), 4, ("accuracy",))
    assert places(shown) == ([0, 1, 2, 3, 9], [])
    assert [t.metrics["accuracy"] for t in shown] == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.9 - 0.6])
    shown = project(History(tuple(trials)), 1, ("accuracy",))
    assert [t.metrics["accuracy"] for t in shown] == pytest.approx([0.1 + 0.6, 0.1 + 0.6, 0.3 + 0.4, 0.7, 0.9])
    assert places(shown) == ([2, 3, 1, 0, 9], [])
