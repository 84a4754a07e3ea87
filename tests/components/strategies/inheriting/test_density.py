"""Densities, against scipy's and against sums that are written out."""

import math

import numpy as np
import pytest
from scipy import stats

from archsmith.strategies.inheriting.density import log_density, thinly


@pytest.mark.parametrize("n", [2, 3, 7, 40])
def test_in_one_dimension_it_is_that_of_scipy_but_for_a_constant(n):
    rng = np.random.default_rng(n)
    data, at = rng.normal(3, 5, size=(n, 1)), rng.normal(3, 8, size=(20, 1))
    expected = stats.gaussian_kde(data[:, 0]).logpdf(at[:, 0])
    found = log_density(data, at)
    assert found - found[0] == pytest.approx(expected - expected[0], abs=1e-9)


def test_in_two_dimensions_without_correlation_it_is_that_of_scipy_too():
    x, y = (a.ravel() for a in np.meshgrid([1.0, 2.0, 4.0, 9.0], [0.1, 0.5, 0.6]))
    data, at = np.stack([x, y], axis=1), np.random.default_rng(0).random((15, 2)) * [10, 1]
    assert abs(np.cov(x, y)[0, 1]) < 1e-12
    expected = stats.gaussian_kde(data.T).logpdf(at.T)
    found = log_density(data, at)
    assert found - found[0] == pytest.approx(expected - expected[0], abs=1e-9)


def test_in_several_dimensions_it_is_a_sum_over_the_data_of_products_over_the_dimensions():
    rng = np.random.default_rng(1)
    data, at = rng.random((6, 3)) * [1, 10, 100], rng.random((4, 3)) * [1, 10, 100]
    data[:, 1] += data[:, 2]  # correlated

    def density(point):
        total = 0.0
        for datum in data:
            product = 1.0
            for k in range(3):
                mean = sum(data[:, k]) / 6
                bandwidth = math.sqrt(sum((data[:, k] - mean) ** 2) / 5) * 6 ** (-1 / 7)
                product *= math.exp(-0.5 * ((point[k] - datum[k]) / bandwidth) ** 2)
            total += product
        return total / 6

    assert np.exp(log_density(data, at)) == pytest.approx([density(point) for point in at])
    assert thinly(data, at) == pytest.approx([(1 / density(p)) / sum(1 / density(q) for q in at) for p in at])


def test_a_dimension_in_which_all_data_are_equal_says_nothing():
    data, at = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]]), np.array([[1.0, 5.0], [1.0, 700.0], [3.0, 5.0]])
    assert log_density(data, at) == pytest.approx(log_density(data[:, :1], at[:, :1]))


@pytest.mark.parametrize("data", [np.array([[3.0]]), np.array([[3.0], [3.0]]), np.zeros((4, 0))])
def test_where_nothing_is_said_all_are_equally_likely(data):
    at = np.arange(5.0)[:, None] * np.ones((1, data.shape[1]))
    assert thinly(data, at) == pytest.approx([0.2] * 5)


def test_far_from_all_data_probabilities_are_finite():
    probabilities = thinly(np.array([[1.0], [1.1], [1.2]]), np.array([[1.0], [1e6], [1e3]]))
    assert probabilities == pytest.approx([0, 1, 0])


def test_what_is_not_known_has_no_probability_unless_nothing_is():
    data = np.array([[1.0], [2.0], [3.0]])
    assert thinly(data, np.array([[math.nan], [2.0], [2.0]])) == pytest.approx([0, 0.5, 0.5])
    assert thinly(data, np.array([[math.nan], [math.nan]])) == pytest.approx([0.5, 0.5])
