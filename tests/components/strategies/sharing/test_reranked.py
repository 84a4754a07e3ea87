"""Looks with shared weights, and the trainings that follow, against what a plain sort of the looks says."""

from dataclasses import replace

import numpy as np
import pytest

from archsmith.errors import InfeasibleError
from archsmith.spec import Objective
from archsmith.strategies.plain.random import RandomSearch
from archsmith.strategies.sharing.reranked import InOrder, Reranked
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import (
    Make,
    Measure,
    StrategyConformance,
    measured_by,
    one_max,
    search,
    small_problem,
    without_waiting,
)
from archsmith.values import Architecture, History, Proposal, Trial
from archsmith.values.proposals import SHARED

TOP = 5
PROBLEM = replace(small_problem(), budget=20, trials=20)
ALL = tuple(PROBLEM.space.enumerate())
SCORES = {a: float(score) for a, score in zip(ALL, np.random.default_rng(5).permutation(len(ALL)) / 100, strict=True)}
"""An accuracy of each architecture, no two the same."""
MEASURE = measured_by(SCORES.__getitem__)


def reranked(problem: Problem = PROBLEM, top: int = TOP) -> Reranked:
    return Reranked(problem, RandomSearch(problem), top=top)


def looks(history: History) -> list[Trial]:
    return [t for t in history if t.proposal.is_look]


def trained(history: History) -> list[Architecture]:
    return [t.proposal.architecture for t in history if not t.proposal.is_look]


def best_of(trials: list[Trial], n: int) -> list[Architecture]:
    return sorted((t.proposal.architecture for t in trials), key=lambda a: -SCORES[a])[:n]


class TestReranked(StrategyConformance):
    """It looks at everything there is, and then trains a few: so what the suite says of all proposals holds for the looks."""

    @pytest.fixture
    def make(self) -> Make:
        return lambda problem: reranked(problem)

    @pytest.mark.parametrize("size", [1, 4, 100])
    def test_a_small_space_is_gone_through_once_and_then_nothing_is_proposed(
        self, make: Make, problem: Problem, measure: Measure, size: int
    ) -> None:
        history = search(make(problem), measure, rounds=range(-(-42 // size) + 7), size=size)
        assert {t.proposal.architecture for t in looks(history)} == set(problem.space.enumerate())
        assert len(looks(history)) == 42
        assert len(set(trained(history))) == len(trained(history)) == TOP
        assert list(make(problem).ask(history, size, np.random.default_rng(9))) == []

    def test_only_the_feasible_is_proposed_and_all_of_it(self, make: Make, problem: Problem, measure: Measure) -> None:
        feasible = frozenset(sorted(problem.space.enumerate(), key=lambda a: a.id)[:13])
        history = search(make(replace(problem, feasible=feasible.__contains__)), measure, rounds=range(9), size=4)
        assert {t.proposal.architecture for t in looks(history)} == feasible
        assert len(history) == 13 + TOP


class TestDerived(StrategyConformance):
    """What was derived, here all of the space, is trained in order."""

    deterministic = True

    @pytest.fixture
    def make(self) -> Make:
        def make(problem: Problem) -> Reranked:
            rng = np.random.default_rng(3)
            drawn = ALL if problem.space.size() == 42 else [problem.space.sample(rng) for _ in range(200)]
            return Reranked(replace(problem, derived=tuple(drawn)), None, top=50)

        return make


class TestInOrder(TestDerived):
    @pytest.fixture
    def make(self) -> Make:
        def make(problem: Problem) -> InOrder:
            rng = np.random.default_rng(3)
            drawn = ALL if problem.space.size() == 42 else [problem.space.sample(rng) for _ in range(200)]
            return InOrder(replace(problem, derived=tuple(drawn)))

        return make


def test_first_all_looks_are_proposed_and_then_the_best_of_them_from_scratch_in_order() -> None:
    history = search(reranked(), MEASURE, rounds=range(40), size=1)
    assert [t.proposal.is_look for t in history] == [True] * 20 + [False] * TOP
    assert trained(history) == best_of(looks(history), TOP)
    assert {t.proposal.fidelity for t in history} == {PROBLEM.fidelity}
    assert history.trials[20].proposal.reason == "number 1 of 20 by shared weights"


def test_nothing_is_trained_while_a_look_is_running() -> None:
    done = search(reranked(), MEASURE, rounds=range(20), size=1)
    before = History(done.trials[:19], (done.trials[19].proposal,))
    assert reranked().ask(before, 4, np.random.default_rng(0)) == []
    assert len(reranked().ask(done, 4, np.random.default_rng(0))) == 4


@pytest.mark.parametrize("at_once", [1, 4, 7])
def test_without_waiting_the_same_are_trained_also_where_the_search_was_stopped(at_once: int) -> None:
    *_, whole = without_waiting(reranked(), MEASURE, at_once=at_once)
    assert len(looks(whole)) == 20
    assert trained(whole) == best_of(looks(whole), TOP)
    assert all(not t.proposal.is_look for t in whole.trials[20:])
    begun = History(running=tuple(t.proposal for t in whole.trials[:13]))
    *_, resumed = without_waiting(reranked(), MEASURE, at_once=at_once, history=begun)
    assert resumed == whole


def test_the_strategy_that_looks_sees_a_search_of_looks_only() -> None:
    seen: list[History] = []

    class Spy(RandomSearch):
        def ask(self, history: History, n: int, rng: np.random.Generator) -> list[Proposal]:
            seen.append(history)
            return list(super().ask(history, n, rng))

    first = search(Reranked(PROBLEM, Spy(PROBLEM), top=TOP), MEASURE, rounds=range(25), size=1)
    more = replace(PROBLEM, budget=30, trials=30)
    search(Reranked(more, Spy(more), top=TOP), MEASURE, rounds=range(25, 40), size=1, history=first)
    assert max(len(h) for h in seen) > 20
    assert all(t.proposal.is_look for h in seen for t in h)


def test_with_more_looks_what_is_best_by_then_is_trained_and_nothing_twice() -> None:
    first = search(reranked(), MEASURE, rounds=range(30), size=1)
    more = search(reranked(replace(PROBLEM, budget=35, trials=35)), MEASURE, rounds=range(30, 70), size=1, history=first)
    assert len(looks(more)) == 35
    new = [a for a in best_of(looks(more), TOP) if a not in trained(first)]
    assert trained(more) == [*trained(first), *new]
    assert new


def test_with_a_larger_top_the_next_best_are_trained() -> None:
    first = search(reranked(), MEASURE, rounds=range(30), size=1)
    more = search(reranked(top=8), MEASURE, rounds=range(30, 50), size=1, history=first)
    assert trained(more) == best_of(looks(first), 8)


def test_of_failed_looks_and_of_looks_without_a_finite_metric_nothing_is_trained() -> None:
    def measure(proposal: Proposal) -> Trial:
        if proposal.is_look and proposal.number % 3 == 0:
            return Trial(proposal, "failed", error="OutOfMemoryError")
        if proposal.is_look and proposal.number % 3 == 1:
            return Trial(proposal, "complete", {"accuracy": float("nan")})
        return MEASURE(proposal)

    history = search(reranked(top=50), measure, rounds=range(60), size=1)
    good = [t for t in looks(history) if t.proposal.number % 3 == 2]
    assert trained(history) == best_of(good, 50)
    assert len(good) == 6


def test_a_training_that_failed_is_not_repeated() -> None:
    def measure(proposal: Proposal) -> Trial:
        return MEASURE(proposal) if proposal.is_look else Trial(proposal, "failed", error="DivergedError")

    assert len(trained(search(reranked(), measure, rounds=range(60), size=1))) == TOP


def test_what_is_beyond_a_measured_limit_comes_after_all_that_keep_it() -> None:
    limited = replace(PROBLEM, objectives=(*PROBLEM.objectives, Objective(metric="latency_s", limit=1.0)))

    def measure(proposal: Proposal) -> Trial:
        slow = float(proposal.number % 2)
        return Trial(proposal, "complete", {"accuracy": SCORES[proposal.architecture], "latency_s": 0.5 + slow})

    history = search(reranked(limited, top=15), measure, rounds=range(60), size=1)
    quick = [t for t in looks(history) if t.proposal.number % 2 == 0]
    slow = [t for t in looks(history) if t.proposal.number % 2]
    assert trained(history) == [*best_of(quick, 10), *best_of(slow, 5)]


@pytest.mark.parametrize(("metric", "order"), [("accuracy", "loss"), ("flops", "flops")])
def test_where_accuracy_is_the_goal_the_loss_says_which_looks_are_best(metric: str, order: str) -> None:
    problem = replace(PROBLEM, objectives=(Objective(metric=metric, goal="minimize" if metric == "flops" else "maximize"),))
    rng = np.random.default_rng(7)
    values = {a: dict(zip(("accuracy", "loss", "flops"), map(float, rng.random(3)), strict=True)) for a in ALL}
    history = search(reranked(problem), lambda p: Trial(p, "complete", values[p.architecture]), rounds=range(40), size=1)
    seen = [t.proposal.architecture for t in looks(history)]
    assert trained(history) == sorted(seen, key=lambda a: values[a][order])[:TOP]


def test_where_a_look_has_no_loss_all_are_ordered_by_accuracy() -> None:
    def measure(proposal: Proposal) -> Trial:
        accuracy = SCORES[proposal.architecture]
        return Trial(proposal, "complete", {"accuracy": accuracy, **({"loss": accuracy} if proposal.number else {})})

    history = search(reranked(), measure, rounds=range(40), size=1)
    assert trained(history) == best_of(looks(history), TOP)


def test_of_several_goals_the_front_is_trained_first() -> None:
    two = replace(PROBLEM, objectives=(*PROBLEM.objectives, Objective(metric="flops", goal="minimize")))
    flops = {a: one_max(PROBLEM.space, a) for a in ALL}

    def measure(proposal: Proposal) -> Trial:
        a = proposal.architecture
        return Trial(proposal, "complete", {"accuracy": SCORES[a], "flops": flops[a]})

    seen = [t.proposal.architecture for t in looks(search(reranked(two), measure, rounds=range(20), size=1))]

    def beats(b: Architecture, a: Architecture) -> bool:
        return SCORES[b] >= SCORES[a] and flops[b] <= flops[a] and (SCORES[b], flops[b]) != (SCORES[a], flops[a])

    front = {a for a in seen if not any(beats(b, a) for b in seen)}
    history = search(reranked(two, top=len(front)), measure, rounds=range(60), size=1)
    assert set(trained(history)) == front


def test_of_what_was_derived_the_first_within_the_limits_are_trained_each_network_once() -> None:
    allowed = frozenset(ALL[::2])
    problem = replace(PROBLEM, derived=(ALL[3], ALL[4], ALL[4], ALL[0], ALL[2], ALL[8]), feasible=allowed.__contains__)
    history = search(Reranked(problem, None, top=3), MEASURE, rounds=range(5), size=2)
    assert trained(history) == [ALL[4], ALL[0], ALL[2]]
    assert looks(history) == []


def test_where_nothing_that_was_derived_is_within_the_limits_it_is_said() -> None:
    problem = replace(PROBLEM, derived=ALL[:7], feasible=lambda _: False)
    with pytest.raises(InfeasibleError, match=r"None of 7 architectures that the shared weights prefer.*single-path"):
        Reranked(problem, None, top=3).ask(History(), 1, np.random.default_rng(0))


def test_before_anything_is_derived_nothing_is_proposed() -> None:
    assert Reranked(PROBLEM, None, top=3).ask(History(), 3, np.random.default_rng(0)) == []


def test_a_look_and_the_training_that_follows_it_are_different_trials() -> None:
    look = Proposal(ALL[0], PROBLEM.fidelity, SHARED)
    assert look.id != replace(look, origin=Proposal(ALL[0], PROBLEM.fidelity).origin).id
