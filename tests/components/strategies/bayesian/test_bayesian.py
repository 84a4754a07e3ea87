"""Bayesian optimisation: both surrogates pass the suite of strategies, and do what they are for."""

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.bayesian.bayesian import REASONS, BayesianConfig, _expected, _sampled
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.bayesian.measurements import Measurements
from archsmith.strategies.evolution.evolution import EvolutionConfig
from archsmith.strategies.plain.random import RandomConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.hypervolume import hypervolume
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL, Make, StrategyConformance, measured_by, one_max, search
from archsmith.values import History, Proposal, Trial

SPACE = PlainSpace("ten", [Decision(f"d{k}", (1, 2, 3, 4)) for k in range(10)])
PROBLEM = Problem(SPACE, ACCURACY, FULL, budget=60)
MEASURE = measured_by(lambda a: one_max(SPACE, a))
HUGE = PlainSpace("huge", [Decision(f"d{k}", tuple(range(8))) for k in range(20)])
"""10^18 architectures."""


class TestBayesianWithAProcess(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return BayesianConfig(startup=4).build


class TestBayesianWithAnEnsemble(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return BayesianConfig(surrogate="ensemble", startup=4).build


def best(config, problem, measure, seed, rounds=10, size=5):
    history = search(config.build(problem), measure, rounds=range(rounds), size=size, seed=seed)
    return max(t.metrics["accuracy"] for t in history)


@pytest.mark.parametrize(("surrogate", "seeds"), [("gp", 5), ("ensemble", 2)])
def test_it_finds_better_architectures_than_evolution_with_the_same_budget(surrogate, seeds):
    bayesian = [best(BayesianConfig(surrogate=surrogate), PROBLEM, MEASURE, seed) for seed in range(seeds)]
    evolved = [best(EvolutionConfig(), PROBLEM, MEASURE, seed) for seed in range(20)]
    assert stats.mannwhitneyu(bayesian, evolved, alternative="greater").pvalue < 0.05


def test_in_a_space_of_10_to_the_18_it_goes_far_beyond_random_search():
    problem, measure = replace(PROBLEM, space=HUGE), measured_by(lambda a: one_max(HUGE, a))
    bayesian = [best(BayesianConfig(), problem, measure, seed, rounds=20, size=3) for seed in range(3)]
    random = [best(RandomConfig(), problem, measure, seed, rounds=20, size=3) for seed in range(3)]
    assert min(bayesian) > max(random) + 0.2


def test_where_few_architectures_can_be_measured_it_chooses_the_best_of_them():
    space = PlainSpace("wide", [Decision(f"d{k}", (0, 1, 2)) for k in range(30)])
    rng = np.random.default_rng(0)
    listed = [space.sample(rng) for _ in range(300)]
    problem = Problem(space, ACCURACY, FULL, 40, feasible=set(listed).__contains__, listed=listed)
    measure = measured_by(lambda a: one_max(space, a))
    found = search(BayesianConfig().build(problem), measure, rounds=range(20), size=2)
    best = sorted((one_max(space, a) for a in listed), reverse=True)
    values = [t.metrics["accuracy"] for t in found]
    assert np.mean(values[20:]) > best[75]  # those of rows at random are at best[150]
    assert {t.proposal.reason for t in found.trials[20:]} == {REASONS["gp"]}


@pytest.mark.parametrize(("budget", "random"), [(1, 1), (9, 3), (29, 10), (60, 10)])
def test_the_random_start_takes_at_most_a_third_of_a_small_budget(budget, random):
    strategy = BayesianConfig().build(replace(PROBLEM, budget=budget))
    history = search(strategy, MEASURE, rounds=range(min(budget, 20)), size=1)
    assert sum(t.proposal.reason == "random start" for t in history) == random
    assert {t.proposal.reason for t in history} <= {"random start", REASONS["gp"]}


def test_a_batch_goes_on_from_its_first_proposal_and_its_proposals_differ():
    strategy = BayesianConfig().build(PROBLEM)
    history = search(strategy, MEASURE, rounds=range(4), size=5)
    batch = strategy.ask(history, 8, np.random.default_rng(0))
    assert batch[:1] == strategy.ask(history, 1, np.random.default_rng(0))
    assert len({p.architecture for p in batch}) == 8
    assert {p.reason for p in batch} == {REASONS["gp"]}


def test_it_keeps_away_from_what_is_running_and_not_from_what_may_not_be_proposed():
    problem, measure = replace(PROBLEM, space=HUGE), measured_by(lambda a: one_max(HUGE, a))
    strategy = BayesianConfig().build(problem)
    history = search(strategy, measure, rounds=range(4), size=5)
    at_work = strategy.ask(history, 6, np.random.default_rng(0))
    running = History(history.trials, tuple(replace(p, number=20 + k) for k, p in enumerate(at_work)))
    taken = {p.architecture for p in at_work}
    blind = BayesianConfig().build(replace(problem, feasible=lambda a: a not in taken))

    def apart(asked):
        """Return in how many decisions a proposal differs from the nearest that is running."""
        (proposal,) = asked
        return min(sum(a != b for a, b in zip(proposal.architecture.choices, t.choices, strict=True)) for t in taken)

    seeds = range(6)
    knowing = [apart(strategy.ask(running, 1, np.random.default_rng(seed))) for seed in seeds]
    assert sum(knowing) > sum(apart(blind.ask(history, 1, np.random.default_rng(seed))) for seed in seeds)


@pytest.mark.parametrize("surrogate", ["gp", "ensemble"])
def test_where_trials_fail_it_does_not_go_on_to_ask(surrogate):
    def measure(proposal):
        if proposal.architecture.choices[0] == 4:
            return Trial(proposal, "failed", error="OutOfMemoryError")
        return MEASURE(proposal)

    history = search(BayesianConfig(surrogate=surrogate).build(PROBLEM), measure, rounds=range(10), size=4)
    asked = [t for t in history if t.proposal.reason == REASONS[surrogate]]
    # One in four of a random search, though what fails would be the best for each that shows its score.
    assert sum(t.status == "failed" for t in asked) < 0.15 * len(asked)
    assert max(t.metrics["accuracy"] for t in asked if t.status == "complete") >= 0.7


@pytest.mark.parametrize("surrogate", ["gp", "ensemble"])
def test_a_limit_that_only_training_can_tell_is_learned(surrogate):
    def measure(proposal):
        slow = sum(choice == 4 for choice in proposal.architecture.choices) / 10
        return Trial(proposal, "complete", {"accuracy": slow, "latency_s": slow})

    problem = replace(PROBLEM, objectives=(*ACCURACY, Objective(metric="latency_s", limit=0.45)))
    history = search(BayesianConfig(surrogate=surrogate).build(problem), measure, rounds=range(10), size=4)
    late = [t.metrics["latency_s"] for t in history.trials[10:]]
    # The best is close to the limit, and nearly all of a random search is far from it.
    assert max(s for s in late if s <= 0.45) == 0.4
    assert np.mean([0.25 < s < 0.65 for s in late]) > 0.6


@pytest.mark.parametrize("surrogate", ["gp", "ensemble"])
def test_within_a_limit_that_is_known_beforehand_the_model_proposes_and_not_chance(surrogate):
    def size(architecture):
        return sum(choice == 4 for choice in architecture.choices)

    problem = replace(PROBLEM, feasible=lambda architecture: size(architecture) <= 2)  # what scores best has 10
    history = search(BayesianConfig(surrogate=surrogate).build(problem), MEASURE, rounds=range(30), size=1)
    late = [t.proposal for t in history.trials[len(history) // 3 + 1 :]]
    assert {p.reason for p in late} == {REASONS[surrogate]}
    assert max(size(p.architecture) for p in late) == 2


@pytest.mark.parametrize("gain", [lambda known, rng: _expected(known, np.arange(20), rng), _sampled])
def test_as_long_as_no_trial_keeps_the_limits_only_how_likely_that_is_counts(gain):
    problem = replace(PROBLEM, objectives=(*ACCURACY, Objective(metric="latency_s", limit=0.05)))
    known, rng = Measurements(problem, Codes(SPACE)), np.random.default_rng(0)
    for k in range(20):
        proposal = Proposal(SPACE.sample(rng), FULL, number=k)
        known.add(Trial(proposal, "complete", {"accuracy": k / 20, "latency_s": 0.1 + k / 20}))
    good, poor, late = gain(known, rng)(np.array([[-2.0, 0.0], [2.0, 0.0], [-2.0, 1.0]]), np.full((3, 2), 0.3))
    assert good == poor > late


def test_as_long_as_no_trial_keeps_the_limits_it_looks_for_one_that_does():
    def measure(proposal):
        late = sum(choice != 1 for choice in proposal.architecture.choices) / 10
        return Trial(proposal, "complete", {"accuracy": late, "latency_s": late})

    problem = replace(PROBLEM, objectives=(*ACCURACY, Objective(metric="latency_s", limit=0.25)))
    history = search(BayesianConfig().build(problem), measure, rounds=range(40), size=1)
    assert min(t.metrics["latency_s"] for t in history.trials[:10]) > 0.25
    assert min(t.metrics["latency_s"] for t in history) <= 0.25


@pytest.mark.parametrize("surrogate", ["gp", "ensemble"])
def test_with_two_goals_the_front_is_larger_than_that_of_random_search(surrogate):
    weights = np.random.default_rng(0).random((10, 5))

    def measure(proposal):
        values = [weights[k, c] for k, c in enumerate(proposal.architecture.choices)]
        return Trial(proposal, "complete", {"accuracy": sum(values[:7]) / 7, "n_params": 1e6 * sum(values[3:]) / 7})

    problem = replace(PROBLEM, objectives=(*ACCURACY, Objective(metric="n_params", goal="minimize")))

    def volume(config, seed):
        history = search(config.build(problem), measure, rounds=range(10), size=4, seed=seed)
        costs = np.array([[-t.metrics["accuracy"], t.metrics["n_params"] / 1e6] for t in history])
        return hypervolume(costs, np.array([0.0, 1.0]))

    found = [volume(BayesianConfig(surrogate=surrogate), seed) for seed in range(2 if surrogate == "gp" else 1)]
    random = [volume(RandomConfig(), seed) for seed in range(6)]
    assert min(found) > max(random)


def test_a_long_history_is_asked_in_less_than_a_second_and_then_in_much_less():
    rng = np.random.default_rng(0)
    proposals = [Proposal(HUGE.sample(rng), FULL, number=k) for k in range(2000)]
    trials = tuple(Trial(p, "complete", {"accuracy": one_max(HUGE, p.architecture)}) for p in proposals)
    strategy = BayesianConfig().build(replace(PROBLEM, space=HUGE, budget=3000))
    spent = []
    for n in (1990, 1991, 1992, 1993):
        started = time.process_time()
        assert len(strategy.ask(History(trials[:n]), 1, rng)) == 1
        spent.append(time.process_time() - started)
    assert spent[0] < 2
    assert np.median(spent) < 0.2


def test_scipy_is_loaded_only_where_the_strategy_is_asked():
    script = "import sys, archsmith.strategies.bayesian.bayesian; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_without_a_goal_there_is_nothing_to_optimise():
    with pytest.raises(ValueError, match="No objective has a `goal`, but bayesian needs one"):
        BayesianConfig().build(replace(PROBLEM, objectives=(Objective(metric="latency_s", limit=1.0),)))


def test_an_unknown_surrogate_is_refused():
    with pytest.raises(ValidationError, match="'gp' or 'ensemble'"):
        BayesianConfig(surrogate="forest")
