"""REINFORCE as a strategy; its gradient is tested with the controller."""

import pytest
from scipy import stats

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.random import RandomConfig
from archsmith.strategies.reinforce import ReinforceConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL, Make, StrategyConformance, measured_by, one_max, search

CHAIN = ChainConfig().build()
LARGE = PlainSpace("large", [Decision(f"d{k}", tuple(range(20))) for k in range(60)])
PARTLY_DECIDED = PlainSpace("partly", [Decision("only", (1,)), Decision("a", (1, 2)), Decision("also", ("x",), {"a": (2,)})])


class TestReinforce(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return ReinforceConfig().build


class TestReinforceLearningFromEachTrial(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return ReinforceConfig(batch=1, entropy=0.0).build


def last_accuracies(config, space, seeds=3, budget=80, last=20):
    """Return the accuracies of the last trials of several searches."""
    strategy, measure = config.build(Problem(space, ACCURACY, FULL, budget=budget)), measured_by(lambda a: one_max(space, a))
    histories = [search(strategy, measure, rounds=range(budget // 5), size=5, seed=seed) for seed in range(seeds)]
    return [t.metrics["accuracy"] for h in histories for t in h.trials[-last:]]


@pytest.mark.parametrize("space", [CHAIN, LARGE], ids=["chain", "60 decisions of 20 choices"])
def test_the_policy_learns_to_propose_better_architectures_than_random_ones(space):
    learnt, random = last_accuracies(ReinforceConfig(), space), last_accuracies(RandomConfig(), space)
    assert stats.mannwhitneyu(learnt, random, alternative="greater").pvalue < 1e-6


def test_decisions_with_one_choice_are_no_trouble():
    strategy = ReinforceConfig(batch=1).build(Problem(PARTLY_DECIDED, ACCURACY, FULL, budget=2))
    history = search(strategy, measured_by(lambda a: one_max(PARTLY_DECIDED, a)), rounds=range(3), size=1)
    assert {t.proposal.architecture for t in history} == set(PARTLY_DECIDED.enumerate())


def test_a_learning_rate_that_is_far_too_high_gives_a_poor_policy_but_no_numbers_that_are_none():
    strategy = ReinforceConfig(learning_rate=1e3).build(Problem(CHAIN, ACCURACY, FULL, budget=100))
    history = search(strategy, measured_by(lambda a: one_max(CHAIN, a)), rounds=range(20), size=4)
    assert len(history) == 80
    assert sum(t.proposal.reason.startswith("drawn from") for t in history) > 10


def test_without_a_goal_there_is_no_reward():
    with pytest.raises(ValueError, match="No objective has a `goal`, but reinforce needs one"):
        ReinforceConfig().build(Problem(CHAIN, (Objective(metric="n_params", limit=1000),), FULL, budget=10))
