"""Rewards by the place among all trials."""

import math

import numpy as np
import pytest
from scipy import stats

from archsmith.strategies.ranking import FAILED, reward


def test_rewards_are_exponential_quantiles_of_the_middle_ranks():
    costs = np.random.default_rng(0).integers(0, 30, 50)
    ranks = sorted((0, float(c)) for c in costs)
    expected = stats.expon.ppf(1 - (stats.rankdata(costs) - 0.5) / 50) - 1
    assert [reward((0, float(c)), ranks) for c in costs] == pytest.approx(expected.tolist())


def test_rewards_of_many_trials_have_mean_0_and_none_is_below_minus_1():
    ranks = [(0, float(k)) for k in range(1000)]
    rewards = [reward(r, ranks) for r in ranks]
    assert np.mean(rewards) == pytest.approx(0, abs=1e-3)
    assert min(rewards) > -1
    assert rewards == sorted(rewards, reverse=True)


def test_failed_trials_share_the_lowest_reward_whatever_the_others_are():
    ranks = sorted([(0, -0.9), (0, -0.1), (1, -0.99), FAILED, FAILED])
    rewards = [reward(r, ranks) for r in ranks]
    assert rewards == sorted(rewards, reverse=True)
    assert rewards[-1] == rewards[-2] == pytest.approx(math.log(5 / 4) - 1)
