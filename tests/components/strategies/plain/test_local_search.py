"""Local search, against the paper's algorithm."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.plain.local_search import LocalSearchConfig
from archsmith.strategies.plain.random import RandomConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL, Make, StrategyConformance, measured_by, one_max, search
from archsmith.values import Architecture, Fidelity, History, Proposal, Trial

SPACE = PlainSpace("digits", [Decision(f"d{k}", (0, 1, 2)) for k in range(6)])
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=100)


class TestLocalSearch(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return LocalSearchConfig(start=3).build


class TestLocalSearchByDefault(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return LocalSearchConfig().build


def digits(*choices):
    return Architecture("digits", choices)


def apart(a, b):
    """Return in how many decisions two architectures differ."""
    return sum(x != y for x, y in zip(a.choices, b.choices, strict=True))


def history_of(*pairs, fidelity=FULL):
    """Return a history of architectures and their metrics; None fails."""
    return History(
        tuple(
            Trial(Proposal(a, fidelity, number=k), "failed", error="DivergedError")
            if m is None
            else Trial(Proposal(a, fidelity, number=k), "complete", m)
            for k, (a, m) in enumerate(pairs)
        )
    )


def asked(strategy, history, n=1, seed=0):
    return [p.architecture for p in strategy.ask(history, n, np.random.default_rng(seed))]


def score(value):
    return {"accuracy": value}


START = [(digits(0, 0, 0, 0, 0, 0), score(0.5)), (digits(1, 1, 1, 1, 1, 1), score(0.4))]


def test_it_begins_with_random_architectures_and_goes_on_with_neighbors_of_the_best():
    history = search(LocalSearchConfig(start=4).build(PROBLEM), measured_by(lambda _: 0.5), rounds=range(16), size=1)
    reasons = [t.proposal.reason for t in history]
    assert reasons[:4] == ["random start of a descent"] * 4
    # All are equal, so the first one stays the incumbent, and all of its 12 neighbours are measured.
    first, *others = (t.proposal.architecture for t in history)
    assert {a.id for a in others[3:]} <= {a.id for a in SPACE.neighbors(first)}
    assert reasons[4:] == [f"neighbor of {history.trials[0].id}"] * 12


def test_it_goes_to_the_first_better_neighbor_at_once():
    strategy = LocalSearchConfig(start=2).build(PROBLEM)
    better = digits(0, 0, 2, 0, 0, 0)
    history = history_of(*START, (digits(0, 1, 0, 0, 0, 0), score(0.3)), (better, score(0.6)))
    for seed in range(20):
        (a,) = asked(strategy, history, seed=seed)
        assert apart(a, better) == 1


def test_an_equal_neighbor_is_no_improvement():
    strategy = LocalSearchConfig(start=2).build(PROBLEM)
    history = history_of(*START, (digits(0, 1, 0, 0, 0, 0), score(0.5)))
    for seed in range(20):
        (a,) = asked(strategy, history, seed=seed)
        assert apart(a, START[0][0]) == 1


def test_neighbors_come_in_random_order_each_as_likely_as_any_other():
    strategy, history = LocalSearchConfig(start=2).build(PROBLEM), history_of(*START)
    neighbors = list(SPACE.neighbors(START[0][0]))
    places = [neighbors.index(asked(strategy, history, seed=seed)[0]) for seed in range(1200)]
    assert stats.chisquare(np.bincount(places, minlength=12)).pvalue > 1e-3


def at_optimum():
    """Return a history in which all neighbours of the best were measured, and none is better."""
    return [*START, *((a, score(0.1)) for a in SPACE.neighbors(START[0][0]))]


def test_another_descent_begins_at_a_local_optimum_and_forgets_the_incumbent():
    strategy = LocalSearchConfig(start=2).build(PROBLEM)
    new = [(digits(2, 2, 2, 2, 2, 2), score(0.2)), (digits(2, 2, 2, 1, 1, 1), score(0.3))]
    for known in (0, 1):
        pairs = [*at_optimum(), *new[:known]]
        assert strategy.ask(history_of(*pairs), 1, np.random.default_rng(0))[0].reason == "random start of a descent"
    (a,) = asked(strategy, history_of(*at_optimum(), *new))
    assert apart(a, new[1][0]) == 1


def test_a_failed_neighbor_is_not_measured_again_and_counts_as_worse():
    strategy = LocalSearchConfig(start=2).build(PROBLEM)
    neighbors = list(SPACE.neighbors(START[0][0]))
    failed = history_of(*START, *((a, None) for a in neighbors[:-1]))
    assert asked(strategy, failed) == neighbors[-1:]
    optimum = history_of(*START, *((a, None) for a in neighbors))
    assert strategy.ask(optimum, 1, np.random.default_rng(0))[0].reason == "random start of a descent"


def test_a_start_that_failed_is_followed_by_another_until_there_is_an_incumbent():
    strategy = LocalSearchConfig(start=2).build(PROBLEM)
    failed = [(a, None) for a, _ in START]
    assert strategy.ask(history_of(*failed), 1, np.random.default_rng(0))[0].reason == "random start of a descent"
    good = (digits(2, 2, 2, 2, 2, 2), score(0.1))
    (a,) = asked(strategy, history_of(*failed, good))
    assert apart(a, good[0]) == 1


def test_infeasible_neighbors_are_no_part_of_the_neighborhood():
    strategy = LocalSearchConfig(start=2).build(replace(PROBLEM, feasible=lambda a: a.choices[0] != 2))
    neighbors = [a for a in SPACE.neighbors(START[0][0]) if a.choices[0] != 2]
    almost = history_of(*START, *((a, score(0.1)) for a in neighbors[:-1]))
    assert {asked(strategy, almost, seed=seed)[0] for seed in range(10)} == {neighbors[-1]}
    new = (digits(1, 2, 2, 2, 2, 2), score(0.2)), (digits(1, 2, 2, 1, 1, 1), score(0.3))
    (a,) = asked(strategy, history_of(*START, *((a, score(0.1)) for a in neighbors), *new))
    assert apart(a, new[1][0]) == 1


def test_of_a_batch_those_that_come_after_the_improvement_neither_move_it_nor_end_it():
    strategy = LocalSearchConfig(start=2).build(PROBLEM)
    better, beside = digits(0, 0, 2, 0, 0, 0), digits(0, 0, 0, 0, 0, 1)
    history = history_of(*START, (better, score(0.6)), (beside, score(0.55)))
    for seed in range(20):
        (a,) = asked(strategy, history, seed=seed)
        assert apart(a, better) == 1


def test_a_batch_larger_than_the_neighborhood_is_filled_with_random_starts():
    reasons = [p.reason for p in LocalSearchConfig(start=2).build(PROBLEM).ask(history_of(*START), 20, np.random.default_rng(0))]
    assert reasons == [f"neighbor of {history_of(*START).trials[0].id}"] * 12 + ["random start of a descent"] * 8


def test_a_trial_beyond_a_limit_loses_to_one_within():
    limited = replace(PROBLEM, objectives=(*ACCURACY, Objective(metric="latency_s", limit=0.01)))
    slow, quick = {"accuracy": 0.9, "latency_s": 0.02}, {"accuracy": 0.1, "latency_s": 0.01}
    (a,) = asked(LocalSearchConfig(start=2).build(limited), history_of((START[0][0], slow), (START[1][0], quick)))
    assert apart(a, START[1][0]) == 1


def test_trials_at_other_fidelities_do_not_count():
    other = history_of(*START, fidelity=Fidelity(epochs=1))
    assert LocalSearchConfig(start=2).build(PROBLEM).ask(other, 1, np.random.default_rng(0))[0].reason.startswith("random start")


@pytest.mark.parametrize(("budget", "random"), [(1, 1), (9, 3), (30, 10), (1000, 10)])
def test_the_random_start_takes_at_most_a_third_of_a_small_budget(budget, random):
    strategy = LocalSearchConfig().build(replace(PROBLEM, budget=budget))
    history = search(strategy, measured_by(lambda _: 0.5), rounds=range(min(budget, 20)), size=1)
    assert sum(t.proposal.reason.startswith("random start") for t in history) == random


def test_a_smooth_landscape_is_climbed_to_its_top():
    # From the best start on, every step to the top is an improvement, and at most 6 x 12 neighbours are looked at.
    for seed in range(5):
        strategy = LocalSearchConfig().build(PROBLEM)
        history = search(strategy, measured_by(lambda a: one_max(SPACE, a)), rounds=range(82), size=1, seed=seed)
        assert max(t.metrics["accuracy"] for t in history) == 1


def test_it_holds_up_in_a_space_of_more_than_10_to_the_18_architectures():
    space = PlainSpace("large", [Decision(f"d{k}", tuple(range(5))) for k in range(26)])
    problem = replace(PROBLEM, space=space)

    def found(config, seed):
        measure = measured_by(lambda a: one_max(space, a))
        return max(t.metrics["accuracy"] for t in search(config.build(problem), measure, rounds=range(25), size=4, seed=seed))

    assert space.size() > 10**18
    pairs = [(found(LocalSearchConfig(), seed), found(RandomConfig(), seed)) for seed in range(8)]
    assert all(local > random for local, random in pairs)
