"""Regularised evolution, against the paper's algorithm and its closed forms."""

import re
import time
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from archsmith.spaces.chain import ChainConfig
from archsmith.spec import Objective
from archsmith.strategies.evolution.evolution import Evolution, EvolutionConfig
from archsmith.strategies.plain.random import RandomSearch
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import (
    ACCURACY,
    FULL,
    InheritanceConformance,
    Make,
    StrategyConformance,
    ending_variously,
    measured_by,
    one_max,
    search,
)
from archsmith.values import Fidelity, FromScratch, History, Inherits, Proposal, Trial

SPACE = ChainConfig().build()
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=60)


class TestEvolution(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return EvolutionConfig(population=8, sample=3).build


class TestEvolutionByDefault(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return EvolutionConfig().build


class TestEvolutionThatInherits(InheritanceConformance):
    most_kept = 8

    @pytest.fixture
    def make(self) -> Make:
        return EvolutionConfig(population=8, sample=3, inherit=True).build


def history_of(*metrics, fidelity=FULL, start=0):
    """Return trials of random architectures with these metrics; None fails."""
    rng = np.random.default_rng(start)
    proposals = [Proposal(SPACE.sample(rng), fidelity, number=start + k) for k in range(len(metrics))]
    return [
        Trial(p, "failed", error="OutOfMemoryError") if m is None else Trial(p, "complete", m)
        for p, m in zip(proposals, metrics, strict=True)
    ]


def accuracies(*values):
    return history_of(*({"accuracy": v} for v in values))


def parents(strategy, trials, n=100):
    """Return the parents, by their places in `trials`, of `n` children that are asked for one by one."""
    history, ids = History(tuple(trials)), [t.id for t in trials]
    asked = [strategy.ask(history, 1, np.random.default_rng(seed))[0] for seed in range(n)]
    return [ids.index(re.match(r"mutation of (\w+): ", p.reason)[1]) for p in asked]


def test_the_first_trials_are_random_and_all_others_mutations():
    measure = measured_by(lambda a: one_max(SPACE, a))
    history = search(Evolution(PROBLEM, population=10, sample=3), measure, rounds=range(30), size=1)
    assert [t.proposal.reason == "random start" for t in history] == [True] * 10 + [False] * 20


def test_a_child_differs_from_its_parent_in_the_one_decision_that_its_reason_names():
    trials = accuracies(*np.linspace(0.1, 0.9, 10))
    for proposal in Evolution(PROBLEM, population=10, sample=3).ask(History(tuple(trials)), 50, np.random.default_rng(0)):
        parent_id, name, old, new = re.fullmatch(r"mutation of (\w+): (\w+) (\w+) → (\w+)", proposal.reason).groups()
        (parent,) = (SPACE.assignment(t.proposal.architecture) for t in trials if t.id == parent_id)
        child = SPACE.assignment(proposal.architecture)
        assert (str(parent[name]), str(child[name])) == (old, new)
        assert [d for d in parent if d in child and parent[d] != child[d]] == [name]
        assert proposal.origin == FromScratch()


def test_parents_have_the_ranks_of_the_best_of_s_drawn_with_replacement_from_p():
    p, s, n = 6, 3, 3000
    values = [0.3, 0.9, 0.1, 0.7, 0.5, 0.6]
    rank = np.argsort(np.argsort(values)[::-1])
    found = np.bincount(rank[parents(Evolution(PROBLEM, population=p, sample=s), accuracies(*values), n)], minlength=p)
    # All S are of rank r or worse with the probability ((P - r) / P)^S.
    at_least = [((p - r) / p) ** s for r in range(p + 1)]
    assert stats.chisquare(found, -n * np.diff(at_least)).pvalue > 1e-3


def test_the_eldest_is_no_parent_once_p_younger_ones_are_there():
    # With S = 300, the best of the population is the parent but for one in 10^13.
    strategy = Evolution(PROBLEM, population=10, sample=300)
    values = [0.99, *np.linspace(0.1, 0.5, 9)]
    assert set(parents(strategy, accuracies(*values))) == {0}
    assert set(parents(strategy, accuracies(*values, 0.2))) == {9}


def test_a_failed_trial_takes_a_place_in_the_population_but_is_no_parent():
    strategy = Evolution(PROBLEM, population=4, sample=300)
    good, failed = {"accuracy": 0.9}, None
    worse = [{"accuracy": 0.5}, {"accuracy": float("nan")}, {}]
    assert set(parents(strategy, history_of(good, *worse))) == {0}
    assert set(parents(strategy, history_of(good, *worse, failed))) == {1}


def test_a_sample_of_failed_trials_only_gives_a_random_architecture():
    (asked,) = Evolution(PROBLEM, population=4, sample=2).ask(
        History(tuple(history_of(*[None] * 30))), 1, np.random.default_rng(0)
    )
    assert asked.reason == "random, as its parents failed"


def test_a_trial_beyond_a_limit_loses_to_those_within_but_not_to_failed_ones():
    limited = replace(PROBLEM, objectives=(*ACCURACY, Objective(metric="latency_s", limit=0.01)))
    strategy = Evolution(limited, population=4, sample=300)
    slow, quick = {"accuracy": 0.9, "latency_s": 0.02}, {"accuracy": 0.1, "latency_s": 0.01}
    assert set(parents(strategy, history_of(slow, quick, slow, slow))) == {1}
    assert set(parents(strategy, history_of(None, slow, None, None))) == {1}


def test_the_first_objective_with_a_goal_is_the_fitness():
    size, loss = Objective(metric="n_params", limit=1000), Objective(metric="loss", goal="minimize")
    strategy = Evolution(replace(PROBLEM, objectives=(size, loss, *ACCURACY)), population=2, sample=300)
    trials = history_of({"loss": 0.2, "accuracy": 0.1}, {"loss": 0.3, "accuracy": 0.9})
    assert set(parents(strategy, trials)) == {0}


def test_without_a_goal_there_is_no_evolution():
    with pytest.raises(ValueError, match="No objective has a `goal`"):
        EvolutionConfig().build(replace(PROBLEM, objectives=(Objective(metric="n_params", limit=1000),)))


def test_trials_at_other_fidelities_are_not_in_the_population():
    trials = accuracies(*np.linspace(0.1, 0.5, 10))
    other = history_of(*[{"accuracy": 0.9}] * 10, fidelity=Fidelity(epochs=1), start=10)
    assert set(parents(Evolution(PROBLEM, population=10, sample=300), trials + other)) == {9}


@pytest.mark.parametrize(("budget", "random"), [(1, 1), (9, 3), (10, 4), (29, 10), (60, 20), (1000, 20)])
def test_the_random_start_takes_at_most_a_third_of_a_small_budget(budget, random):
    strategy = EvolutionConfig().build(replace(PROBLEM, budget=budget))
    history = search(strategy, measured_by(lambda a: one_max(SPACE, a)), rounds=range(min(budget, 60)), size=1)
    assert sum(t.proposal.reason == "random start" for t in history) == random


def test_a_sample_larger_than_the_population_is_refused():
    with pytest.raises(ValidationError, match="`sample` is 5, but must be at most `population`, which is 4"):
        EvolutionConfig(population=4, sample=5)


def test_as_many_are_drawn_as_there_are_in_the_population_where_nothing_else_is_said():
    p, n, values = 6, 1000, np.linspace(0.1, 0.6, 6)
    found = np.bincount(parents(EvolutionConfig(population=p).build(PROBLEM), accuracies(*values), n), minlength=p)
    # The k-th worst is the best of P draws with the probability ((k + 1) / P)^P - (k / P)^P.
    expected = n * np.diff((np.arange(p + 1) / p) ** p)
    assert stats.chisquare([found[:3].sum(), *found[3:]], [expected[:3].sum(), *expected[3:]]).pvalue > 1e-3


def test_what_is_kept_are_those_of_the_p_youngest_that_can_be_parents():
    strategy = EvolutionConfig(population=5, inherit=True).build(PROBLEM)
    history = search(strategy, ending_variously(lambda a: one_max(SPACE, a)), rounds=range(30), size=1)
    for n in range(31):
        youngest = history.trials[:n][-5:]
        # Of seven trials, the fourth fails, the fifth is stopped and the sixth has no finite accuracy.
        assert strategy.keeps(History(history.trials[:n])) == {t.id for t in youngest if t.proposal.number % 7 not in {3, 4, 5}}


def test_inheriting_changes_what_a_child_begins_with_and_nothing_else():
    measure = measured_by(lambda a: one_max(SPACE, a))
    alone, heirs = (
        search(EvolutionConfig(population=7, inherit=inherit).build(PROBLEM), measure, rounds=range(30), size=1)
        for inherit in (False, True)
    )
    assert [t.proposal.architecture for t in alone] == [t.proposal.architecture for t in heirs]
    assert {t.proposal.origin for t in alone} == {FromScratch()}
    for trial in heirs.trials[7:]:
        assert trial.proposal.origin == Inherits(re.match(r"mutation of (\w+): ", trial.proposal.reason)[1])


def test_without_inheriting_no_weights_are_kept():
    assert Evolution(PROBLEM, population=5, sample=5).keeps(History(tuple(accuracies(0.1, 0.2)))) == frozenset()
    assert (EvolutionConfig().inherits, EvolutionConfig(inherit=True).inherits) == (False, True)


def test_evolution_finds_better_architectures_than_random_search_with_the_same_budget():
    measure = measured_by(lambda a: one_max(SPACE, a))

    def best(strategy, seed):
        return max(t.metrics["accuracy"] for t in search(strategy, measure, rounds=range(10), size=6, seed=seed))

    evolved = [best(EvolutionConfig().build(PROBLEM), seed) for seed in range(30)]
    random = [best(RandomSearch(PROBLEM), seed) for seed in range(30)]
    assert stats.mannwhitneyu(evolved, random, alternative="greater").pvalue < 1e-6
    assert np.mean(evolved) > np.mean(random) + 0.05


def test_a_long_history_is_asked_in_less_than_a_second_of_the_processor():
    space = ChainConfig.model_validate({"layers": {"min": 2, "max": 12}}).build()
    assert len(space.decisions) >= 60
    rng = np.random.default_rng(0)
    trials = [Trial(Proposal(space.sample(rng), FULL, number=k), "complete", {"accuracy": rng.random()}) for k in range(20_000)]
    strategy = EvolutionConfig().build(replace(PROBLEM, space=space, budget=30_000))
    started = time.process_time()
    assert len(strategy.ask(History(tuple(trials)), 8, rng)) == 8
    assert time.process_time() - started < 1
