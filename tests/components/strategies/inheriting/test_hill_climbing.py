"""Hill climbing, against the paper's algorithm, written out over the whole history."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.decisions import Decision
from archsmith.spaces.morphing import morphisms
from archsmith.spec import Objective
from archsmith.strategies.inheriting.hill_climbing import HillClimbingConfig
from archsmith.strategies.plain.random import RandomConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import (
    ACCURACY,
    FULL,
    InheritanceConformance,
    Make,
    ending_variously,
    measured_by,
    one_max,
    search,
)
from archsmith.values import Fidelity, FromScratch, History, Inherits, Proposal, Trial

SPACE = ChainConfig().build()
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=100)


def size_of(architecture):
    """Return a closed form of how large a network is: the sum of its filters and units."""
    return float(sum(c for n, c in SPACE.assignment(architecture).items() if n.startswith(("filters_", "units_"))))


class TestHillClimbing(InheritanceConformance):
    most_kept = 5  # the parent, and four children of which the generation is not complete

    @pytest.fixture
    def make(self) -> Make:
        return HillClimbingConfig(neighbors=5, start=3).build


class TestHillClimbingByDefault(InheritanceConformance):
    most_kept = 8

    @pytest.fixture
    def make(self) -> Make:
        return HillClimbingConfig().build


def test_the_best_of_each_generation_and_its_parent_is_the_next_parent():
    strategy = HillClimbingConfig(neighbors=5, start=3, smallest_of=1).build(PROBLEM)
    start = search(strategy, ending_variously(lambda a: one_max(SPACE, a)), rounds=[0], size=3)
    history = search(strategy, ending_variously(lambda a: one_max(SPACE, a)), rounds=range(1, 9), size=5, history=start)
    best, moved = max(start.completed, key=lambda t: t.metrics["accuracy"]), 0
    for k in range(1, 9):
        children = [t for t in history if t.proposal.round == k]
        heirs = [t for t in children if t.proposal.origin != FromScratch()]
        assert {t.proposal.origin for t in heirs} <= {Inherits(best.id)}
        good = [t for t in children if t.status == "complete" and math.isfinite(t.metrics["accuracy"])]
        winner = max([best, *good] if heirs else good, key=lambda t: t.metrics["accuracy"])
        moved, best = moved + (winner is not best), winner
    assert moved > 2


def test_a_child_is_so_many_morphisms_from_its_parent_as_are_set():
    parent = Trial(Proposal(SPACE.from_text(SMALL), FULL), "complete", {"accuracy": 0.5})
    reached = [{parent.proposal.architecture}]
    for _ in range(2):
        reached.append({m.architecture for a in reached[-1] for m in morphisms(SPACE, a)})
    for steps in (1, 2):
        strategy = HillClimbingConfig(steps=steps, start=1).build(PROBLEM)
        asked = strategy.ask(History((parent,)), 6, np.random.default_rng(0))
        assert {p.architecture for p in asked} <= reached[steps]
        assert all(p.reason.startswith(f"child of {parent.id}: ") for p in asked)


SMALL = "layers=2 op_1=conv filters_1=16 kernel_1=3 stride_1=1 op_2=conv filters_2=16 kernel_2=3 stride_2=1 dense=1 units_1=32"


def test_operations_are_equally_likely_however_many_steps_each_has():
    parent = Trial(Proposal(SPACE.from_text(SMALL), FULL), "complete", {"accuracy": 0.5})
    operation = {m.architecture: m.operation for m in morphisms(SPACE, parent.proposal.architecture)}
    strategy = HillClimbingConfig(steps=1, start=1).build(PROBLEM)
    asked = [strategy.ask(History((parent,)), 1, np.random.default_rng(seed))[0] for seed in range(600)]
    found = [operation[p.architecture] for p in asked]
    counts = [found.count(name) for name in sorted(set(operation.values()))]
    assert len(counts) > 1
    assert stats.chisquare(counts).pvalue > 1e-3


def test_it_begins_with_the_smallest_of_a_few():
    strategy = HillClimbingConfig(start=40, smallest_of=10).build(
        replace(PROBLEM, budget=120, scores=lambda a: {"n_params": size_of(a)})
    )
    plain = HillClimbingConfig(start=40, smallest_of=1).build(replace(PROBLEM, budget=120))
    small, any_size = (
        [size_of(p.architecture) for p in s.ask(History(), 40, np.random.default_rng(0))] for s in (strategy, plain)
    )
    assert np.median(small) <= np.quantile(any_size, 0.2)


def test_what_can_not_be_scored_is_not_the_smallest():
    def scores(architecture):
        return {"n_params": math.nan if SPACE.assignment(architecture)["layers"] < 5 else size_of(architecture)}

    strategy = HillClimbingConfig(start=4, smallest_of=30).build(replace(PROBLEM, scores=scores))
    asked = strategy.ask(History(), 4, np.random.default_rng(0))
    assert all(SPACE.assignment(p.architecture)["layers"] >= 5 for p in asked)


def test_where_a_network_can_not_grow_another_climb_begins():
    layers = " ".join(f"op_{k}=conv filters_{k}=96 kernel_{k}=5 stride_{k}=2" for k in range(1, 7))
    largest = Proposal(SPACE.from_text(f"layers=6 {layers} dense=1 units_1=128"), FULL)
    start = History((Trial(largest, "complete", {"accuracy": 0.99}),))
    strategy = HillClimbingConfig(start=1, neighbors=3).build(PROBLEM)
    asked = strategy.ask(start, 3, np.random.default_rng(0))
    assert [p.reason for p in asked] == [f"random, as no step leads on from {largest.id}"] * 3
    assert {p.origin for p in asked} == {FromScratch()}
    history = search(strategy, lambda p: Trial(p, "complete", {"accuracy": p.number / 10}), rounds=[0, 1], size=3, history=start)
    assert {t.proposal.origin for t in history.trials[4:]} == {Inherits(history.trials[3].id)}


def test_where_all_of_a_start_fails_there_is_another_one():
    history = search(
        HillClimbingConfig(start=3, neighbors=2).build(PROBLEM),
        lambda p: (
            Trial(p, "failed", error="OutOfMemoryError") if p.number < 3 else Trial(p, "complete", {"accuracy": p.number / 10})
        ),
        rounds=range(8),
        size=1,
    )
    assert [t.proposal.origin == FromScratch() for t in history] == [True] * 6 + [False] * 2
    assert history.trials[-1].proposal.origin == Inherits(history.trials[5].id)


def test_trials_at_other_fidelities_do_not_compete():
    trials = [Trial(Proposal(SPACE.from_text(SMALL), Fidelity(epochs=1)), "complete", {"accuracy": 0.9})]
    asked = HillClimbingConfig(start=1).build(PROBLEM).ask(History(tuple(trials)), 1, np.random.default_rng(0))
    assert asked[0].origin == FromScratch()


def test_a_space_without_morphisms_and_a_problem_without_a_goal_are_refused():
    space = PlainSpace("own", [Decision("a", (1, 2))])
    with pytest.raises(ValueError, match=r"'hill-climbing' grows networks by steps.*, but no exact morphism.*'own'"):
        HillClimbingConfig().build(replace(PROBLEM, space=space))
    with pytest.raises(ValueError, match="No objective has a `goal`, but hill-climbing"):
        HillClimbingConfig().build(replace(PROBLEM, objectives=(Objective(metric="n_params", limit=1000),)))


def test_it_asks_for_sizes_only_where_it_needs_them():
    assert (HillClimbingConfig(smallest_of=2).wanted_scores, HillClimbingConfig().wanted_scores) == (("n_params",), ())


def test_it_finds_larger_networks_than_random_search_with_the_same_budget():
    measure = measured_by(size_of)

    def best(config, seed):
        history = search(config.build(replace(PROBLEM, budget=40)), measure, rounds=range(10), size=4, seed=seed)
        return max(t.metrics["accuracy"] for t in history)

    configs = (HillClimbingConfig(neighbors=4), RandomConfig())
    climbed, random = ([best(config, seed) for seed in range(12)] for config in configs)
    assert stats.mannwhitneyu(climbed, random, alternative="greater").pvalue < 1e-2
