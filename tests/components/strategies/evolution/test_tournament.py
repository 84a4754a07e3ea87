"""Evolution by tournaments, against the paper's description and its closed forms."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from archsmith.spaces.chain import ChainConfig
from archsmith.spec import Objective
from archsmith.strategies.evolution.tournament import TournamentConfig
from archsmith.strategies.plain.random import RandomConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import (
    ACCURACY,
    FULL,
    InheritanceConformance,
    Make,
    StrategyConformance,
    measured_by,
    one_max,
    search,
)
from archsmith.values import Fidelity, FromScratch, History, Inherits, Proposal, Trial

SPACE = ChainConfig().build()
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=100)


class TestTournament(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return TournamentConfig(population=6).build


class TestTournamentByDefault(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return TournamentConfig().build


class TestTournamentThatInherits(InheritanceConformance):
    most_kept = 6

    @pytest.fixture
    def make(self) -> Make:
        return TournamentConfig(population=6, inherit=True).build


def trials_of(*values, seed=0, fidelity=FULL):
    """Return trials of random architectures with these accuracies; None fails."""
    rng = np.random.default_rng(seed)
    proposals = [Proposal(SPACE.sample(rng), fidelity, number=k) for k in range(len(values))]
    return [
        Trial(p, "failed", error="OutOfMemoryError") if v is None else Trial(p, "complete", {"accuracy": v})
        for p, v in zip(proposals, values, strict=True)
    ]


def parents(strategy, trials, n=100):
    """Return the parents, by their places in `trials`, of `n` children that are asked for one by one."""
    history, ids = History(tuple(trials)), [t.id for t in trials]
    asked = [strategy.ask(history, 1, np.random.default_rng(seed))[0] for seed in range(n)]
    return [ids.index(re.match(r"mutation of (\w+), the better of two", p.reason)[1]) for p in asked]


def test_the_first_trials_are_random_and_all_others_mutations():
    measure = measured_by(lambda a: one_max(SPACE, a))
    history = search(TournamentConfig(population=7).build(PROBLEM), measure, rounds=range(30), size=1)
    assert [t.proposal.reason == "random start" for t in history] == [True] * 7 + [False] * 23


def test_parents_have_the_ranks_of_the_better_of_two_different_ones():
    values = [0.3, 0.9, 0.1, 0.7, 0.5, 0.6]
    found = np.bincount(parents(TournamentConfig(population=6).build(PROBLEM), trials_of(*values), 3000), minlength=6)
    # Of the 15 pairs, the k-th worst is the better one in k.
    assert found[2] == 0
    better_than = np.argsort(np.argsort(values))
    assert stats.chisquare(np.delete(found, 2), 3000 * np.delete(better_than, 2) / 15).pvalue > 1e-3


def test_the_dead_have_the_ranks_of_the_worse_of_two_different_ones():
    values, dead = [0.3, 0.9, 0.1, 0.7, 0.5], Counter()
    strategy = TournamentConfig(population=5).build(PROBLEM)
    for seed in range(200):
        # The newcomer is the worst then, so each of the others is a parent now and then, unless it is dead.
        dead.update({0, 1, 2, 3, 4} - set(parents(strategy, trials_of(*values, 0.0, seed=seed), 120)))
    # Of 10 pairs, the k-th best is the worse one in k.
    assert (dead.total(), dead[1]) == (200, 0)
    assert stats.chisquare([dead[k] for k in (4, 0, 2, 3)], [200 * k / 10 for k in (2, 3, 4, 1)]).pvalue > 1e-3


def test_the_best_never_dies():
    strategy = TournamentConfig(population=4).build(PROBLEM)
    assert 0 in parents(strategy, trials_of(0.99, *np.linspace(0.1, 0.5, 60)))


def test_a_failed_trial_is_no_parent():
    strategy = TournamentConfig(population=3).build(PROBLEM)
    assert set(parents(strategy, trials_of(0.1, 0.2, None), 60)) == {0, 1}


def test_two_failed_parents_give_a_random_architecture():
    (asked,) = TournamentConfig().build(PROBLEM).ask(History(tuple(trials_of(*[None] * 8))), 1, np.random.default_rng(0))
    assert asked.reason == "random, as both parents failed"


def test_a_trial_beyond_a_limit_loses_to_one_within():
    limited = replace(PROBLEM, objectives=(*ACCURACY, Objective(metric="latency_s", limit=0.01)))
    slow, quick = (
        replace(t, metrics={**t.metrics, "latency_s": s}) for t, s in zip(trials_of(0.9, 0.1), (0.02, 0.01), strict=True)
    )
    assert set(parents(TournamentConfig(population=2).build(limited), [slow, quick])) == {1}


def test_trials_at_other_fidelities_are_not_in_the_population():
    other = [replace(t, proposal=replace(t.proposal, number=9)) for t in trials_of(0.9, seed=1, fidelity=Fidelity(epochs=1))]
    assert set(parents(TournamentConfig(population=2).build(PROBLEM), trials_of(0.1, 0.2) + other)) == {1}


def test_a_population_of_one_is_refused_and_a_small_budget_has_two():
    with pytest.raises(ValidationError, match="population"):
        TournamentConfig(population=1)
    strategy = TournamentConfig().build(replace(PROBLEM, budget=2))
    history = search(strategy, measured_by(lambda a: one_max(SPACE, a)), rounds=range(2), size=1)
    assert [t.proposal.reason for t in history] == ["random start"] * 2


def test_what_is_kept_are_the_living_of_whom_each_may_be_a_parent_but_the_worst():
    strategy = TournamentConfig(population=4, inherit=True).build(PROBLEM)
    trials = trials_of(*np.random.default_rng(0).permutation(40) / 40)
    for n in range(4, 40):
        alive = [t for t in trials[:n] if t.id in strategy.keeps(History(tuple(trials[:n])))]
        assert len(alive) == 4
        worst = min(alive, key=lambda t: t.metrics["accuracy"])
        assert {trials[k].id for k in parents(strategy, trials[:n], 60)} == {t.id for t in alive if t != worst}


def test_a_child_inherits_from_the_better_of_two_where_it_is_to_and_is_the_same_one_else():
    measure = measured_by(lambda a: one_max(SPACE, a))
    alone, heirs = (
        search(TournamentConfig(inherit=inherit).build(PROBLEM), measure, rounds=range(10), size=1) for inherit in (False, True)
    )
    assert alone.trials[5].proposal.origin == FromScratch()
    assert heirs.trials[5].proposal.architecture == alone.trials[5].proposal.architecture
    assert all(t.proposal.origin == Inherits(t.proposal.reason.split()[2].strip(",")) for t in heirs.trials[5:])
    assert (TournamentConfig().inherits, TournamentConfig(inherit=True).inherits) == (False, True)


def test_it_finds_better_architectures_than_random_search_with_the_same_budget():
    measure = measured_by(lambda a: one_max(SPACE, a))

    def best(config, seed):
        return max(t.metrics["accuracy"] for t in search(config.build(PROBLEM), measure, rounds=range(10), size=6, seed=seed))

    evolved, random = ([best(config, seed) for seed in range(20)] for config in (TournamentConfig(), RandomConfig()))
    assert stats.mannwhitneyu(evolved, random, alternative="greater").pvalue < 1e-3
