"""The process over curves, beside one large normal distribution over all their values."""

import numpy as np
import pytest
from scipy.stats import gamma, multivariate_normal

from archsmith.curve_process import Hyperparameters, asymptotes, distances, evidence, typical_distance

GIVEN = Hyperparameters(alpha=0.8, beta=1.7, decay=0.3, noise=0.05, end=0.2, length=1.3)
TIMES = np.array([1.0, 2.0, 3.0, 3.5])
RNG = np.random.default_rng(0)
FEATURES = RNG.uniform(size=(5, 3))
CURVES = np.where(np.arange(4) < np.array([4, 1, 2, 2, 3])[:, None], RNG.normal(0, 0.3, (5, 4)), np.nan)
CURVES[3, 0] = np.nan  # begun at the second time


def test_the_kernel_is_a_mixture_of_exponential_decays() -> None:
    rates = gamma(a=GIVEN.alpha, scale=1 / GIVEN.beta)  # the paper's psi
    expected = [[GIVEN.decay**2 * rates.expect(lambda r, t=t, s=s: np.exp(-r * (t + s))) for s in TIMES] for t in TIMES]
    assert GIVEN.over_times(TIMES) == pytest.approx(np.array(expected), rel=1e-6)


def test_the_evidence_of_partial_curves_is_the_density_of_all_their_values_at_once() -> None:
    row, at = np.nonzero(np.isfinite(CURVES))
    apart = distances(FEATURES, FEATURES)
    assert apart == pytest.approx(np.linalg.norm(FEATURES[:, None] - FEATURES, axis=2))
    ends = GIVEN.end**2 * (0.5 * np.exp(-apart / GIVEN.length) + 0.5 * np.eye(5))
    t, s = TIMES[at][:, None], TIMES[at][None]
    within = GIVEN.decay**2 * (GIVEN.beta / (t + s + GIVEN.beta)) ** GIVEN.alpha + GIVEN.noise**2 * (t == s)
    dense = ends[np.ix_(row, row)] + np.where(row[:, None] == row, within, 0.0)
    expected = multivariate_normal(np.zeros(len(row)), dense).logpdf(CURVES[row, at])
    assert evidence(GIVEN, CURVES, apart, TIMES) - 0.5 * len(row) * np.log(2 * np.pi) == pytest.approx(expected)


def test_a_longer_curve_says_more_of_its_asymptote() -> None:
    precision = asymptotes(GIVEN, CURVES, TIMES).precision
    assert precision[0] > precision[4] > precision[2] > precision[1]


def test_the_typical_distance_of_architectures_that_are_all_the_same_is_one() -> None:
    assert typical_distance(np.ones((3, 2))) == 1.0
