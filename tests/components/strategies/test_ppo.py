"""PPO as a strategy, and its clipped objective against differences."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.controller import Controller
from archsmith.strategies.ppo import Clipped, PPOConfig
from archsmith.strategies.random import RandomConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import (
    ACCURACY,
    FULL,
    Make,
    StrategyConformance,
    measured_by,
    one_max,
    search,
    small_space,
)

CHAIN = ChainConfig().build()
LARGE = PlainSpace("large", [Decision(f"d{k}", tuple(range(20))) for k in range(60)])


class TestPpo(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return PPOConfig().build


def test_a_bad_trial_has_no_say_where_others_have_made_it_three_times_as_likely():
    weights = Clipped(0.2)(np.array([[2.9], [3.1], [1e20]]), np.array([-1.0]))
    assert weights == pytest.approx(np.array([[-2.9], [0], [0]]))


@pytest.mark.parametrize(
    ("ratio", "advantage", "weight"),
    [(1.0, 2.0, 2.0), (1.1, 2.0, 2.2), (1.3, 2.0, 0.0), (0.5, 2.0, 1.0), (1.3, -2.0, -2.6), (0.9, -2.0, -1.8), (0.7, -2.0, 0.0)],
)
def test_a_ratio_beyond_the_clip_has_no_say_where_it_went_the_way_its_advantage_wants(ratio, advantage, weight):
    # Schulman 2017, figure 1: the objective is flat to the right for A > 0 and to the left for A < 0.
    assert Clipped(0.2)(np.array([[ratio]]), np.array([advantage])) == pytest.approx(np.array([[weight]]))


def test_the_gradient_of_the_clipped_objective_is_that_of_differences():
    space, rng = small_space(), np.random.default_rng(0)
    controller = Controller(space.decisions, 4, rng)
    controller.move(rng.normal(size=controller.parameters.shape) * 0.5)
    choices = np.array([controller.encode(space.sample(rng)) for _ in range(12)])
    before, advantages = controller.unroll(choices).log_probs, rng.normal(size=12)
    controller.move(rng.normal(size=controller.parameters.shape) * 0.2)

    def ratios():
        return np.exp(controller.unroll(choices).log_probs - before)

    def objective():
        return np.minimum(ratios() * advantages, np.clip(ratios(), 0.8, 1.2) * advantages).sum()

    weights = Clipped(0.2)(ratios(), advantages)
    assert 0 < np.mean((weights == 0) & (before != 0)) < 1
    gradient = controller.gradient(controller.unroll(choices), weights)
    for k in range(len(gradient)):
        nudge = np.zeros_like(gradient)
        nudge[k] = 1e-6
        controller.move(nudge)
        above = objective()
        controller.move(-2 * nudge)
        assert (above - objective()) / 2e-6 == pytest.approx(gradient[k], abs=1e-7)
        controller.move(nudge)


def last_accuracies(config, space, seeds=3, budget=80, last=20):
    """Return the accuracies of the last trials of several searches."""
    strategy, measure = config.build(Problem(space, ACCURACY, FULL, budget=budget)), measured_by(lambda a: one_max(space, a))
    histories = [search(strategy, measure, rounds=range(budget // 5), size=5, seed=seed) for seed in range(seeds)]
    return [t.metrics["accuracy"] for h in histories for t in h.trials[-last:]]


@pytest.mark.parametrize("space", [CHAIN, LARGE], ids=["chain", "60 decisions of 20 choices"])
def test_the_policy_learns_to_propose_better_architectures_than_random_ones(space):
    learnt, random = last_accuracies(PPOConfig(), space), last_accuracies(RandomConfig(), space)
    assert stats.mannwhitneyu(learnt, random, alternative="greater").pvalue < 1e-6


def test_a_clip_of_1_and_more_is_refused():
    with pytest.raises(ValidationError, match="clip"):
        PPOConfig(clip=1.0)


def test_a_learning_rate_that_is_far_too_high_gives_a_poor_policy_but_no_numbers_that_are_none():
    strategy = PPOConfig(learning_rate=1e3).build(Problem(CHAIN, ACCURACY, FULL, budget=100))
    history = search(strategy, measured_by(lambda a: one_max(CHAIN, a)), rounds=range(20), size=4)
    assert len(history) == 80
    assert sum(t.proposal.reason.startswith("drawn from") for t in history) > 10


def test_without_a_goal_there_is_no_reward():
    with pytest.raises(ValueError, match="No objective has a `goal`, but ppo needs one"):
        PPOConfig().build(Problem(CHAIN, (Objective(metric="n_params", limit=1000),), FULL, budget=10))
