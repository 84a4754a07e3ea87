"""What a measurement tells of which is the best: two of them have a closed form, three are told apart by brute force."""

import numpy as np
import pytest
from scipy.stats import norm

from archsmith.strategies.rungs.entropy_search import chances, drawn, entropy, information

MEAN = np.array([0.3, 0.0])
COVARIANCE = np.array([[1.0, 0.3], [0.3, 0.5]])
SHARES, VARIANCES = np.array([0.8, 1.0]), np.array([0.2, 0.05])
N = 40_000


def of_two(mean: np.ndarray, covariance: np.ndarray) -> float:
    """Return the entropy of which of two is larger."""
    p = norm.cdf((mean[0] - mean[1]) / np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    return float(-p * np.log(p) - (1 - p) * np.log(1 - p))


def learned_of_two(k: int) -> float:
    """Integrate over what a measurement may show."""
    across = COVARIANCE[:, k] * SHARES[k]
    variance = SHARES[k] ** 2 * COVARIANCE[k, k] + VARIANCES[k]
    after = COVARIANCE - np.outer(across, across) / variance
    z = np.linspace(-6, 6, 2001)
    left = [of_two(MEAN + across / np.sqrt(variance) * value, after) for value in z]
    return of_two(MEAN, COVARIANCE) - float(np.sum(norm.pdf(z) * left) * (z[1] - z[0]))


def test_what_is_learned_of_two_is_the_integral_over_what_may_be_shown() -> None:
    normals = np.random.default_rng(0).standard_normal((4, N))
    draws = drawn(MEAN, COVARIANCE, normals[:2])
    assert entropy(chances(draws)) == pytest.approx(of_two(MEAN, COVARIANCE), abs=0.01)
    found = information(draws, COVARIANCE, SHARES, VARIANCES, normals[2:])
    # three nodes of the rule are exact for polynomials of the fifth degree only
    assert found == pytest.approx([learned_of_two(0), learned_of_two(1)], abs=0.04)
    assert found[0] > found[1]


def test_draws_moved_by_a_measurement_are_those_of_the_distribution_after_it() -> None:
    mean, root = np.array([0.2, 0.0, -0.1]), np.array([[1.0, 0, 0], [0.5, 0.7, 0], [-0.2, 0.3, 0.4]])
    covariance, rng = root @ root.T, np.random.default_rng(1)
    normals = rng.standard_normal((4, N))
    found = information(drawn(mean, covariance, normals[:3]), covariance, np.array([0.9]), np.array([0.3]), normals[3:])[0]
    variance = 0.81 * covariance[0, 0] + 0.3
    moves = 0.9 * covariance[:, 0] / np.sqrt(variance)
    entropies = []
    for node in (-np.sqrt(3), 0.0, np.sqrt(3)):  # and 1/6, 2/3, 1/6: Gauss-Hermite, from a table
        draws = rng.multivariate_normal(mean + moves * node, covariance - np.outer(moves, moves), N)
        p = np.bincount(draws.argmax(axis=1), minlength=3) / N
        entropies.append(-float(np.sum(p * np.log(p))))
    before = rng.multivariate_normal(mean, covariance, N).argmax(axis=1)
    p = np.bincount(before, minlength=3) / N
    expected = -float(np.sum(p * np.log(p))) - float(np.array([1, 4, 1]) / 6 @ entropies)
    assert found == pytest.approx(expected, abs=0.015)


def test_what_is_known_already_tells_nothing() -> None:
    normals = np.random.default_rng(0).standard_normal((4, 2000))
    covariance = np.diag([1.0, 1e-12])
    told = information(drawn(MEAN, covariance, normals[:2]), covariance, np.ones(2), np.full(2, 0.1), normals[2:])
    assert told[0] > 0.1
    assert told[1] == pytest.approx(0.0, abs=1e-3)
