"""Any strategy, begun with what another search has found."""

from dataclasses import replace

import numpy as np
import pytest

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.trees.tree_cell import TreeCellConfig
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem, Strategy
from archsmith.strategies.warm_start import REASON, WarmStart
from archsmith.testing.strategies import (
    ACCURACY,
    FULL,
    StrategyConformance,
    ending_variously,
    measured_by,
    one_max,
    search,
    small_problem,
    small_space,
    without_waiting,
)
from archsmith.values import Fidelity, FromScratch, History, Inherits

ALONE = [name for name, config in STRATEGIES.items() if not config().sharing]


def best(problem: Problem, n: int) -> list:
    """Return architectures that a search before may have found: some drawn at random, and the last of them twice."""
    rng = np.random.default_rng(7)
    drawn = [problem.space.sample(rng) for _ in range(n)]
    return [*drawn, drawn[-1]]


def reasons(history: History) -> list[str]:
    return [t.proposal.reason for t in history]


@pytest.mark.parametrize("name", ALONE)
def test_every_strategy_has_what_was_best_before_measured_first_and_goes_on(name: str) -> None:
    space = TreeCellConfig().build() if name == "path-level" else small_space()
    problem = Problem(space, ACCURACY, Fidelity(epochs=9), budget=20)
    first = best(problem, 3)

    def made() -> Strategy:
        return WarmStart(problem, STRATEGIES[name]().build(problem), first)

    measure = ending_variously(lambda a: one_max(space, a))
    history = without_waiting(made(), measure, at_once=3, proposals=20, cost=20 * 9)[-1]
    wanted = list(dict.fromkeys(map(space.canonical, first)))
    begun = [space.canonical(t.proposal.architecture) for t in history if not isinstance(t.proposal.origin, Inherits)]
    assert [a for a in dict.fromkeys(begun) if a in wanted] == wanted
    assert {*wanted} <= {*list(dict.fromkeys(begun))[:4]}
    proposed = [(space.canonical(t.proposal.architecture), t.proposal.fidelity) for t in history]
    assert len({*proposed}) == len(proposed) > 3
    # Stopped after the fifth trial and begun again by another process, it ends with the same.
    again = without_waiting(made(), measure, at_once=3, proposals=20, cost=20 * 9, history=History.of(history.trials[:5]))[-1]
    assert [t.proposal for t in again] == [t.proposal for t in history]


class TestWarmStart(StrategyConformance):
    @pytest.fixture
    def make(self):
        return lambda problem: WarmStart(problem, STRATEGIES["evolution"]().build(problem), best(problem, 3))


def test_what_is_beyond_the_limits_or_was_measured_is_passed_over() -> None:
    problem = small_problem()
    first = list(dict.fromkeys(best(problem, 6)))
    strict = replace(problem, feasible=lambda a: a != first[1])
    measure = measured_by(lambda a: one_max(problem.space, a))
    strategy = WarmStart(strict, STRATEGIES["random"]().build(strict), first)
    history = search(strategy, measure, rounds=range(2), size=len(first) - 1)
    assert [t.proposal.architecture for t in history.trials[: len(first) - 1]] == [first[0], *first[2:]]
    assert REASON not in reasons(history)[len(first) - 1 :]


def test_what_the_strategy_proposes_itself_is_not_proposed_twice() -> None:
    problem = small_problem()
    own = STRATEGIES["random"]().build(problem).ask(History(), 3, np.random.default_rng([0, 0]))
    first = [own[2].architecture, best(problem, 1)[0]]
    asked = WarmStart(problem, STRATEGIES["random"]().build(problem), first).ask(History(), 3, np.random.default_rng([0, 0]))
    assert [p.architecture for p in asked] == [first[1], own[1].architecture, own[2].architecture]


def test_in_a_space_that_is_small_all_of_it_is_proposed() -> None:
    problem = small_problem()
    strategy = WarmStart(problem, STRATEGIES["grid"]().build(problem), best(problem, 5))
    history = search(strategy, measured_by(lambda a: one_max(problem.space, a)), rounds=range(60), size=1)
    assert {t.proposal.architecture for t in history} == {*problem.space.enumerate()}
    assert len(history) == 42 == problem.space.size()
    assert {t.proposal.fidelity for t in history} == {FULL}


@pytest.mark.parametrize(("name", "n"), [("hill-climbing", 8), ("lemonade", 12), ("eas", 4), ("path-level", 4)])
def test_what_soon_only_inherits_measures_all_of_them_and_what_it_starts_from(name: str, n: int) -> None:
    space = TreeCellConfig().build() if name == "path-level" else ChainConfig().build()
    problem, rng = Problem(space, ACCURACY, Fidelity(epochs=3), budget=40), np.random.default_rng(3)
    first = [space.canonical(space.sample(rng)) for _ in range(n)]
    settings = {"initial": space.to_text(space.at(0))} if name == "eas" else {}
    strategy = WarmStart(problem, STRATEGIES[name](**settings).build(problem), first)
    history = without_waiting(strategy, measured_by(lambda a: one_max(space, a)), at_once=1, proposals=40)[-1]
    assert {*first} <= {space.canonical(t.proposal.architecture) for t in history}
    starts = {"eas": ["the initial network"], "path-level": ["the start cell"]}.get(name, [])
    assert [t.proposal.reason for t in history][: len(starts)] == starts
    assert any(isinstance(t.proposal.origin, Inherits) for t in history)
    assert all(t.proposal.origin == FromScratch() for t in history if t.proposal.reason == REASON)
