"""PPO as a strategy, and its clipped objective against differences."""

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.policy.controller import Controller
from archsmith.strategies.policy.ppo import Clipped, PPOConfig
from archsmith.testing.strategies import Make, StrategyConformance, small_space


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


def test_a_clip_of_1_and_more_is_refused():
    with pytest.raises(ValidationError, match="clip"):
        PPOConfig(clip=1.0)
