"""What surrogates learn from: closed forms of ranks, and outliers that must not matter."""

import math

import numpy as np
import pytest
from scipy import stats

from archsmith.strategies.bayesian.targets import limited, tamed

COSTS = np.random.default_rng(0).normal(size=101)


def test_targets_are_standardised_and_in_the_order_of_the_costs():
    targets = tamed(COSTS)
    assert targets.mean() == pytest.approx(0)
    assert targets.std() == pytest.approx(1)
    assert (np.argsort(targets) == np.argsort(COSTS)).all()


def test_normal_costs_stay_nearly_as_they_are():
    assert stats.pearsonr(tamed(COSTS), COSTS).statistic > 0.99


def test_targets_are_the_normal_quantiles_of_the_ranks():
    expected = stats.norm.ppf((stats.rankdata(COSTS) - 0.5) / len(COSTS))
    np.testing.assert_allclose(tamed(COSTS), (expected - expected.mean()) / expected.std())


def test_equal_costs_share_their_mean_rank():
    costs = np.array([0.3, 0.1, 0.3, 0.3, 0.2, 0.1])
    expected = stats.norm.ppf((stats.rankdata(costs, method="average") - 0.5) / 6)
    np.testing.assert_allclose(tamed(costs), (expected - expected.mean()) / expected.std())


def test_it_does_not_matter_how_bad_the_worst_are():
    bad, worse = COSTS.copy(), COSTS.copy()
    bad[:10], worse[:10] = np.arange(10, 20), np.arange(1e6, 1e6 + 10)
    np.testing.assert_allclose(tamed(bad), tamed(worse))
    # Had the scale been that of the outliers, all others would be the same.
    assert tamed(worse)[10:].std() > 0.5


def test_failed_trials_count_as_the_worst_and_do_not_change_how_the_others_compare():
    targets = tamed(np.append(COSTS, [math.inf] * 5))
    assert (targets[-5:] == targets[-1]).all()
    assert targets[-1] > targets[:-5].max()
    assert np.isfinite(targets).all()
    assert stats.pearsonr(targets[:-5], COSTS).statistic > 0.98


@pytest.mark.parametrize("costs", [[0.3], [0.3, 0.3, 0.3], [math.inf], [math.inf, math.inf], [0.3, math.inf]])
def test_few_or_equal_costs_give_finite_targets(costs):
    targets = tamed(np.array(costs))
    assert np.isfinite(targets).all()
    if len(set(costs)) == 1:
        assert (targets == 0).all()


def test_the_best_stands_out_when_most_trials_are_alike():
    targets = tamed(np.array([0.9] * 40 + [0.1]))
    assert targets[-1] < targets[0] - 1


def test_what_is_beyond_a_limit_is_beyond_it_among_the_targets():
    costs = np.array([0.5, 1.0, 1.5, 100.0])
    targets, highest = limited(costs, 1.0)
    np.testing.assert_allclose(np.sign((targets - highest).round(12)), [-1, 0, 1, 1])
    assert targets.mean() == pytest.approx(0)
    assert targets.std() == pytest.approx(1)
    # 99 beyond is not 198 times as bad as 0.5 beyond.
    assert targets[3] - highest < 20 * (targets[2] - highest)


def test_targets_of_a_limit_do_not_depend_on_the_unit():
    costs = np.array([0.5, 1.2, 3.0])
    (a, highest_a), (b, highest_b) = limited(costs, 1.0), limited(1000 * costs, 1000.0)
    np.testing.assert_allclose(a, b)
    assert highest_a == pytest.approx(highest_b)


def test_what_was_not_measured_of_a_limit_says_nothing():
    costs = np.array([0.5, 1.2, 3.0])
    (without, highest), (with_failed, same) = limited(costs, 1.0), limited(np.append(costs, math.inf), 1.0)
    assert same == highest
    assert with_failed.tolist() == [*without, 0.0]


@pytest.mark.parametrize(("costs", "side"), [([1.0, 1.0], 0), ([2.0, 2.0], -1), ([0.5, 0.5], 1), ([math.inf], 0)])
def test_equal_costs_give_targets_of_zero_and_a_limit_on_their_right_side(costs, side):
    targets, highest = limited(np.array(costs), 1.0)
    assert (targets == 0).all()
    assert np.sign(highest) == side
