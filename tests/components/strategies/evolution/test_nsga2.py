"""NSGA-II, against the paper's definitions and its behaviour on a problem with a known front."""

import math
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.evolution.nsga2 import NSGA2Config, best
from archsmith.strategies.plain.random import RandomConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.hypervolume import hypervolume
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import (
    ACCURACY,
    FULL,
    Make,
    Measure,
    StrategyConformance,
    measured_by,
    one_max,
    search,
    small_problem,
)
from archsmith.values import Fidelity, History, Proposal, Trial

SPACE = PlainSpace("digits", [Decision(f"d{k}", tuple(range(4))) for k in range(10)])
BOTH = (Objective(metric="accuracy", goal="maximize"), Objective(metric="n_params", goal="minimize"))
LIMITED = (*BOTH, Objective(metric="latency_s", limit=0.01))
PROBLEM = Problem(SPACE, BOTH, FULL, budget=100)


class TestNSGA2(StrategyConformance):
    """With a single objective."""

    @pytest.fixture
    def make(self) -> Make:
        return NSGA2Config(population=6).build


class TestNSGA2OfTwoObjectives(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return NSGA2Config(population=6).build

    @pytest.fixture
    def problem(self) -> Problem:
        return replace(small_problem(), objectives=LIMITED)

    @pytest.fixture
    def measure(self, problem: Problem) -> Measure:
        def measure(proposal: Proposal) -> Trial:
            a = proposal.architecture
            metrics = {"accuracy": one_max(problem.space, a), "n_params": float(len(problem.space.assignment(a)))}
            return Trial(proposal, "complete", metrics | {"latency_s": int(a.id, 16) % 200 / 1e4})

        return measure


def trials_of(*metrics, start=0, fidelity=FULL):
    """Return trials with these metrics; None fails."""
    rng = np.random.default_rng(start)
    proposals = [Proposal(SPACE.sample(rng), fidelity, number=start + k) for k in range(len(metrics))]
    return [
        Trial(p, "failed", error="OutOfMemoryError") if m is None else Trial(p, "complete", m)
        for p, m in zip(proposals, metrics, strict=True)
    ]


def measured(accuracy, n_params, latency_s=0.005):
    return {"accuracy": accuracy, "n_params": n_params, "latency_s": latency_s}


def parents(strategy, trials, n=100):
    """Return the parents, by their places in `trials`, of `n` children that are asked for one by one."""
    history, ids = History(tuple(trials)), [t.id for t in trials]
    asked = [strategy.ask(history, 1, np.random.default_rng(seed))[0] for seed in range(n)]
    return [ids.index(word) for p in asked for word in re.findall(r"\b[0-9a-f]{12}\b", p.reason)]


def test_the_best_are_whole_fronts_and_of_the_last_one_those_with_the_most_room():
    first = [measured(0.5, 100), measured(0.9, 290)]
    # On the second front, by accuracy: the outermost, then the one whose neighbours are furthest apart.
    second = [measured(0.4, 101), measured(0.41, 102), measured(0.7, 300), measured(0.89, 500)]
    trials = trials_of(*second, *first)
    kept = [trials.index(t) for t in best(trials, BOTH, 5)]
    assert set(kept[:2]) == {4, 5}
    assert set(kept[2:4]) == {0, 3}
    assert kept[4] == 2


def test_one_objective_is_ordered_by_its_value():
    trials = trials_of(*({"accuracy": a} for a in (0.3, 0.9, 0.5, math.nan, 0.7)))
    assert [trials.index(t) for t in best(trials, ACCURACY, 5)] == [1, 4, 2, 0, 3]


def test_parents_win_tournaments_of_two():
    n, chain = 6, [measured(0.1 * k, 100 - k) for k in range(6)]
    strategy = NSGA2Config(population=n, crossover=0.0).build(PROBLEM)
    found = np.bincount(parents(strategy, trials_of(*chain), 1000), minlength=n)
    # The better of two drawn with replacement is the k-th worst with the probability ((k + 1)^2 - k^2) / n^2.
    assert stats.chisquare(found, [1000 * (2 * k + 1) / n**2 for k in range(n)]).pvalue > 1e-3


def test_beyond_the_population_are_no_parents_however_young_they_are():
    good, bad = [measured(0.9, k) for k in (1, 2, 3)], [measured(0.1, 900)] * 40
    strategy = NSGA2Config(population=3).build(PROBLEM)
    assert set(parents(strategy, trials_of(*good, *bad))) == {0, 1, 2}


def test_a_failed_trial_is_no_parent():
    strategy = NSGA2Config(population=4).build(PROBLEM)
    assert set(parents(strategy, trials_of(None, measured(0.5, 10), {"accuracy": 0.9}, None))) == {1}


def test_trials_at_other_fidelities_do_not_count():
    strategy = NSGA2Config(population=2).build(PROBLEM)
    trials = trials_of(measured(0.5, 10), measured(0.4, 20)) + trials_of(measured(0.9, 1), fidelity=Fidelity(epochs=1), start=2)
    assert set(parents(strategy, trials)) == {0, 1}


def test_a_child_of_a_crossover_differs_from_both_parents_together_in_one_decision():
    trials = trials_of(*(measured(0.1 * k, 10 * k) for k in range(6)))
    of = {t.id: t.proposal.architecture.choices for t in trials}
    for proposal in (
        NSGA2Config(population=6, crossover=1.0).build(PROBLEM).ask(History(tuple(trials)), 50, np.random.default_rng(0))
    ):
        a, b = (of[i] for i in re.findall(r"\b[0-9a-f]{12}\b", proposal.reason))
        genes = zip(proposal.architecture.choices, a, b, strict=True)
        assert sum(c not in parents_of for c, *parents_of in genes) <= 1


def test_without_a_goal_there_is_no_evolution():
    with pytest.raises(ValueError, match="No objective has a `goal`, but nsga2 needs one"):
        NSGA2Config().build(replace(PROBLEM, objectives=(Objective(metric="n_params", limit=1000),)))


def zeros_and_threes(proposal):
    """Measure the share of 3s, and the sum of all choices: the front is where every choice is 0 or 3."""
    choices = proposal.architecture.choices
    return Trial(proposal, "complete", {"accuracy": choices.count(3) / 10, "n_params": float(sum(choices))})


@pytest.mark.parametrize("size", [2, 8])
def test_it_covers_more_of_a_known_front_than_random_search(size):
    def volume(config, seed):
        history = search(config.build(PROBLEM), zeros_and_threes, rounds=range(160 // size), size=size, seed=seed)
        costs = np.array([[-t.metrics["accuracy"], t.metrics["n_params"]] for t in history])
        return hypervolume(costs, np.array([0.0, 30.0]))

    # k choices of 3, all others 0: (k / 10, 3 k) for k from 1 to 10.
    ideal = sum((30 - 3 * k) * 0.1 for k in range(1, 11))
    found = [volume(NSGA2Config(), seed) for seed in range(8)]
    random = [volume(RandomConfig(), seed) for seed in range(8)]
    assert max(found) <= ideal + 1e-9
    assert stats.mannwhitneyu(found, random, alternative="greater").pvalue < 1e-3


def test_with_one_objective_it_climbs():
    problem = replace(PROBLEM, objectives=ACCURACY)
    history = search(NSGA2Config().build(problem), measured_by(lambda a: one_max(SPACE, a)), rounds=range(25), size=4)
    quarters = [np.mean([t.metrics["accuracy"] for t in history.trials[k : k + 25]]) for k in range(0, 100, 25)]
    assert all(a < b for a, b in pairwise(quarters))
