"""What is to be gained, against numerical integration, 50 digits, and brute force."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from archsmith.strategies.bayesian.acquisition import HypervolumeImprovement, log_expected_improvement, log_probability_within
from archsmith.testing.hypervolume import hypervolume


@pytest.mark.parametrize("mean", [-1.3, 0.0, 0.4, 3.0])
@pytest.mark.parametrize("sd", [0.05, 1.0, 2.5])
def test_the_expected_improvement_is_the_integral_over_the_costs(mean, sd):
    best = 0.1
    low = min(mean - 12 * sd, best - 1)
    expected, _ = integrate.quad(
        lambda cost: (best - cost) * stats.norm.pdf(cost, mean, sd), low, best, points=[mean] if low < mean < best else None,
        epsabs=0, limit=500,
    )  # fmt: skip
    (found,) = log_expected_improvement(np.array([mean]), np.array([sd]), best)
    if expected > 1e-250:
        assert found == pytest.approx(math.log(expected), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("z", [-0.5, -1.0, -1.001, -5.0, -30.0, -500.0, -1500.0])
def test_where_the_improvement_underflows_its_logarithm_is_between_the_bounds_of_its_expansion(z):
    # log(phi(z) / z^2 (1 - 3 / z^2)) and log(phi(z) / z^2) hold it, for z < -sqrt(3); above, the plain formula is exact enough.
    (found,) = log_expected_improvement(np.array([-z]), np.array([1.0]), 0.0)
    log_density = stats.norm.logpdf(z)
    if z > -2:
        assert found == pytest.approx(math.log(stats.norm.pdf(z) + z * stats.norm.cdf(z)), rel=1e-10)
    else:
        upper = log_density - 2 * math.log(-z)
        assert upper + math.log1p(-3 / z**2) - 1e-9 <= found <= upper + 1e-9


def test_a_lower_mean_and_a_larger_doubt_always_gain_more():
    mean, one = np.linspace(-5, 200, 400), np.ones(400)
    assert (np.diff(log_expected_improvement(mean, one, 0.0)) < 0).all()
    assert (np.diff(log_expected_improvement(10 * one, np.linspace(0.05, 3, 400), 0.0)) > 0).all()


def test_the_probability_to_be_within_all_limits_is_a_product_of_normal_distributions():
    mean, sd = np.array([[-2.0, 0.0], [1.0, 50.0]]), np.array([[1.0, 3.0], [0.5, 1.0]])
    limits = np.array([0.5, -1.0])
    np.testing.assert_allclose(log_probability_within(mean, sd, limits), stats.norm.logcdf(limits, mean, sd).sum(axis=1))
    assert (log_probability_within(mean[:, :0], sd[:, :0], limits[:0]) == 0).all()


@pytest.mark.parametrize("n_objectives", [2, 3])
def test_the_gain_in_hypervolume_is_that_of_many_costs_drawn_by_brute_force(n_objectives):
    rng = np.random.default_rng(0)
    costs = rng.normal(size=(12, n_objectives))
    # The reference point is the one that the docstring of the class implies: 0.1 above the worst of each cost.
    reference, before = costs.max(axis=0) + 0.1, hypervolume(costs, costs.max(axis=0) + 0.1)
    mean, sd = rng.normal(-0.2, 0.6, size=(6, n_objectives)), rng.uniform(0.1, 0.4, size=(6, n_objectives))
    draws = mean[:, None] + sd[:, None] * rng.standard_normal((6, 500 if n_objectives == 2 else 60, n_objectives))
    # Gains below the box of points are not counted, so they are not drawn here either.
    draws = np.maximum(draws, costs.min(axis=0) - 1.0)
    expected = [np.mean([hypervolume(np.vstack([costs, d]), reference) - before for d in of]) for of in draws]
    found = np.mean(
        [np.exp(HypervolumeImprovement(costs, np.random.default_rng(s)).log_expected(mean, sd)) for s in range(20)], axis=0
    )
    np.testing.assert_allclose(found, expected, rtol=0.2, atol=0.03)


def test_what_is_certain_to_be_dominated_gains_next_to_nothing_and_is_still_in_order():
    costs = np.array([[-1.0, 1.0], [1.0, -1.0], [0.0, 0.0]])
    improvement = HypervolumeImprovement(costs, np.random.default_rng(0))
    worse = np.array([[1.0, 1.0], [3.0, 3.0], [9.0, 9.0]])
    found = improvement.log_expected(worse, np.full((3, 2), 0.1))
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()
    assert found[0] < -20
