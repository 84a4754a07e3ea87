"""LEMONADE, against the paper's algorithm, densities of scipy and fronts found by comparing all pairs."""

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from scipy import stats

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.decisions import Decision
from archsmith.spaces.morphing import morphisms, shrinkings
from archsmith.spec import Objective
from archsmith.strategies.inheriting.lemonade import LemonadeConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import (
    ACCURACY,
    FULL,
    InheritanceConformance,
    Make,
    Measure,
    one_max,
    search,
    small_problem,
    without_waiting,
)
from archsmith.values import FromScratch, History, Inherits, Proposal, Stop, Trial

SPACE = ChainConfig().build()
BOTH = (*ACCURACY, Objective(metric="n_params", goal="minimize"))
LIMITED = (*BOTH, Objective(metric="latency_s", limit=0.01))


def size_of(space, architecture):
    """Return a closed form of the number of parameters: filters times filters of the layer before."""
    chosen = space.assignment(architecture)
    widths = [3, *(chosen.get(f"filters_{k}", 1) for k in range(1, 7)), chosen.get("units_1", 1)]
    return float(sum(a * b for a, b in pairwise(widths)))


PROBLEM = Problem(SPACE, BOTH, FULL, budget=100, scores=lambda a: {"n_params": size_of(SPACE, a)})


def measuring(space):
    def measure(proposal: Proposal) -> Trial:
        a = proposal.architecture
        noise = int(a.id, 16) % 1000 / 1000
        metrics = {
            "accuracy": 0.7 * one_max(space, a) + 0.3 * noise,
            "n_params": size_of(space, a),
            "latency_s": int(a.id, 16) % 200 / 1e4,
        }
        match proposal.number % 7:
            case 3:
                return Trial(proposal, "failed", error="OutOfMemoryError: it is too large.")
            case 4:
                return Trial(proposal, "stopped", metrics | {"accuracy": 1.0}, stop=Stop(1, "median", 0.1, 0.1))
            case 5:
                return Trial(proposal, "complete", metrics | {"accuracy": math.nan})
        return Trial(proposal, "complete", metrics)

    return measure


class TestLemonadeOfOneObjective(InheritanceConformance):
    """Without scores, so that all children are accepted."""

    @pytest.fixture
    def make(self) -> Make:
        return LemonadeConfig().build


class TestLemonade(InheritanceConformance):
    most_kept = 30

    @pytest.fixture
    def make(self) -> Make:
        return LemonadeConfig(start=5, children=4).build

    @pytest.fixture
    def problem(self) -> Problem:
        problem = small_problem()
        return replace(problem, objectives=BOTH, scores=lambda a: {"n_params": size_of(problem.space, a)})

    @pytest.fixture
    def measure(self, problem: Problem) -> Measure:
        return measuring(problem.space)


def dominates(a, b):
    """Tell whether trial `a` dominates `b`, by definition 1 of Deb 2002 with the limit on the latency."""
    over_a, over_b = (max(0.0, t.metrics["latency_s"] - 0.01) for t in (a, b))
    if over_a or over_b:
        return over_a < over_b
    no_worse = a.metrics["accuracy"] >= b.metrics["accuracy"] and a.metrics["n_params"] <= b.metrics["n_params"]
    better = a.metrics["accuracy"] > b.metrics["accuracy"] or a.metrics["n_params"] < b.metrics["n_params"]
    return no_worse and better


def front_of(history):
    good = [t for t in history if t.status == "complete" and math.isfinite(t.metrics["accuracy"])]
    return [t for t in good if not any(dominates(other, t) for other in good)]


@pytest.mark.parametrize("at_once", [1, 4])
def test_parents_are_those_that_no_other_trial_dominates_within_the_limits(at_once):
    strategy = LemonadeConfig().build(replace(PROBLEM, objectives=LIMITED))
    *asked, whole = without_waiting(strategy, measuring(SPACE), at_once=at_once, proposals=60)
    heirs = 0
    for history in asked:
        front = {t.id for t in front_of(history)}
        assert strategy.keeps(history) == front
        made = [t.proposal for t in whole if t.proposal.number == len(history.proposals)]
        if made and isinstance(origin := made[0].origin, Inherits):
            heirs += 1
            assert origin.trial in front
    assert heirs > 40


def test_where_all_are_beyond_a_limit_the_least_beyond_is_the_parent():
    strategy = LemonadeConfig(start=1).build(replace(PROBLEM, objectives=LIMITED))
    proposals = [Proposal(SPACE.sample(np.random.default_rng(k)), FULL, number=k) for k in range(3)]
    trials = [
        Trial(p, "complete", {"accuracy": 0.5, "n_params": 10.0, "latency_s": s})
        for p, s in zip(proposals, (0.04, 0.02, 0.03), strict=True)
    ]
    assert strategy.keeps(History(tuple(trials))) == {trials[1].id}


def front_of_sizes(*sizes):
    """Return trials that do not dominate each other, with these numbers of parameters; all of them can grow."""
    # No step changes a convolution's kind or stride, so none leads from one of them to another.
    kinds = [f"op_1={op} filters_1=16 kernel_1=3 stride_1={a}" for op, a in product(("conv", "sepconv"), (1, 2))]
    layers = [f"{kind} op_2=conv filters_2=16 kernel_2=3 stride_2={b}" for kind, b in product(kinds, (1, 2))]
    proposals = [Proposal(SPACE.from_text(f"layers=2 {layers[k]} dense=0"), FULL, number=k) for k in range(len(sizes))]
    return [
        Trial(p, "complete", {"accuracy": math.log(s) / 20, "n_params": float(s), "latency_s": 0.0})
        for p, s in zip(proposals, sizes, strict=True)
    ]


def test_parents_are_drawn_inversely_to_the_density_of_their_sizes():
    sizes = [100, 110, 120, 130, 1000, 9000]
    trials = front_of_sizes(*sizes)
    strategy = LemonadeConfig(start=1, children=1).build(PROBLEM)
    rng = np.random.default_rng(0)
    asked = [strategy.ask(History(tuple(trials)), 1, rng)[0] for _ in range(1000)]
    found = Counter(p.origin.trial for p in asked)
    logs = np.log1p(sizes)
    weights = 1 / stats.gaussian_kde(logs)(logs)
    expected = 1000 * weights / weights.sum()
    assert stats.chisquare([found[t.id] for t in trials], expected).pvalue > 1e-3


def test_of_two_children_the_one_is_trained_whose_size_is_rarer_with_the_odds_of_the_densities():
    trials = front_of_sizes(100, 200, 300, 400)
    # Whatever a child is, its size is one of two, as its own id says.
    sizes = (250.0, 700.0)
    problem = replace(PROBLEM, scores=lambda a: {"n_params": sizes[int(a.id, 16) % 2]})
    odd = []
    for config in (LemonadeConfig(start=1, children=1), LemonadeConfig(start=1, children=2)):
        strategy, rng = config.build(problem), np.random.default_rng(1)
        asked = [strategy.ask(History(tuple(trials)), 1, rng)[0] for _ in range(800)]
        odd.append(np.mean([int(p.architecture.id, 16) % 2 for p in asked]))
    dense, thin = stats.gaussian_kde(np.log1p([100, 200, 300, 400]))(np.log1p(sizes))
    among_all, accepted = odd  # the shares of the rarer size
    expected = among_all**2 + 2 * among_all * (1 - among_all) * (1 / thin) / (1 / thin + 1 / dense)
    assert accepted == pytest.approx(expected, abs=0.05)
    assert expected > among_all + 0.1


def test_children_are_one_step_away_and_as_likely_larger_as_smaller():
    text = (
        "layers=3 op_1=conv filters_1=16 kernel_1=5 stride_1=2 op_2=conv filters_2=32 kernel_2=3 stride_2=2 op_3=maxpool "
        "pool_3=2 stride_3=2 dense=1 units_1=32"
    )
    parent = SPACE.from_text(text)
    trials = [Trial(Proposal(parent, FULL), "complete", {"accuracy": 0.5, "n_params": 100.0, "latency_s": 0.0})]
    larger = {m.architecture for m in morphisms(SPACE, parent)}
    smaller = {m.architecture for m in shrinkings(SPACE, parent)}
    assert larger
    assert smaller
    # Of several children their sizes decide which are trained.
    strategy, rng = LemonadeConfig(start=1, children=1).build(PROBLEM), np.random.default_rng(0)
    asked = [strategy.ask(History(tuple(trials)), 1, rng)[0] for _ in range(300)]
    assert {p.architecture for p in asked} <= larger | smaller
    assert {p.origin for p in asked} == {Inherits(trials[0].id)}
    assert stats.binomtest(sum(p.architecture in larger for p in asked), 300).pvalue > 1e-3


def test_a_child_of_which_nothing_is_known_is_not_trained_where_there_are_others():
    trials = front_of_sizes(100, 200, 300)
    problem = replace(PROBLEM, scores=lambda a: {"n_params": math.nan if int(a.id, 16) % 2 else 250.0})
    strategy, rng = LemonadeConfig(start=1, children=30).build(problem), np.random.default_rng(0)
    asked = [strategy.ask(History(tuple(trials)), 1, rng)[0] for _ in range(50)]
    assert not any(int(p.architecture.id, 16) % 2 for p in asked)


def test_the_start_is_random_and_takes_at_most_a_third_of_the_budget():
    strategy = LemonadeConfig(start=8).build(replace(PROBLEM, budget=12))
    history = search(strategy, measuring(SPACE), rounds=range(12), size=1)
    assert [t.proposal.origin == FromScratch() for t in history] == [True] * 4 + [False] * 8


def test_a_space_without_morphisms_and_a_problem_without_a_goal_are_refused():
    with pytest.raises(ValueError, match=r"'lemonade' grows networks by steps.*, but no exact morphism.*'own'"):
        LemonadeConfig().build(replace(PROBLEM, space=PlainSpace("own", [Decision("a", (1, 2))])))
    with pytest.raises(ValueError, match="No objective has a `goal`, but lemonade"):
        LemonadeConfig().build(replace(PROBLEM, objectives=(Objective(metric="n_params", limit=1000),)))


def test_it_asks_for_what_is_known_without_training():
    assert LemonadeConfig().wanted_scores == ("flops", "n_params")
