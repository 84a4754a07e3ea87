"""The Gaussian process, against scikit-learn's with the same kernel on one-hot rows, and numerical gradients."""

import math

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from archsmith.spaces.chain import ChainConfig
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.bayesian.gaussian_process import GaussianProcess, Hyperparameters, fit, kernel, log_evidence

SPACE = ChainConfig().build()
CODES = Codes(SPACE)
COLUMNS = CODES.decision_of_column


def rows(n, seed=0):
    return CODES.vectors(CODES.sample(n, np.random.default_rng(seed)))


def hyperparameters(seed=0):
    rng = np.random.default_rng(seed)
    return Hyperparameters(rng.uniform(0.01, 0.5, CODES.n_decisions), 1.7, 0.05)


def sklearns(hyper, seen, targets):
    """Return scikit-learn's process: exp(-|a - b|^2 / 2 l^2) of one-hot rows is exp(-1 / l^2) where a decision differs."""
    lengths = 1 / np.sqrt(hyper.weights[COLUMNS])
    same = ConstantKernel(hyper.signal) * RBF(lengths)
    return GaussianProcessRegressor(same, alpha=hyper.noise, optimizer=None).fit(seen, targets)


def targets_of(n, seed=1):
    return np.random.default_rng(seed).standard_normal(n)


@pytest.mark.parametrize("seed", range(3))
def test_mean_and_standard_deviation_are_those_of_scikit_learn(seed):
    hyper, seen, targets = hyperparameters(seed), rows(40, seed), targets_of(40)
    mean, sd = GaussianProcess.of(hyper, COLUMNS, seen).predict(rows(30, 9), targets)
    expected_mean, expected_sd = sklearns(hyper, seen, targets).predict(rows(30, 9), return_std=True)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-10)
    np.testing.assert_allclose(sd, expected_sd, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_the_evidence_is_that_of_scikit_learn(seed):
    hyper, seen, targets = hyperparameters(seed), rows(40, seed), targets_of(40)
    value, _ = log_evidence(hyper, COLUMNS, seen, targets)
    assert value == pytest.approx(sklearns(hyper, seen, targets).log_marginal_likelihood_value_, rel=1e-10)


def test_the_gradient_of_the_evidence_is_the_numerical_one():
    hyper, seen, targets = hyperparameters(), rows(25), targets_of(25)

    def value(theta):
        return log_evidence(Hyperparameters.of_logarithms(theta), COLUMNS, seen, targets)[0]

    _, gradient = log_evidence(hyper, COLUMNS, seen, targets)
    np.testing.assert_allclose(gradient, approx_fprime(hyper.logarithms(), value, 1e-6), atol=1e-4)


def test_a_process_that_has_grown_is_one_made_at_once():
    hyper, seen, targets = hyperparameters(), rows(60), targets_of(60)
    whole = GaussianProcess.of(hyper, COLUMNS, seen)
    grown = GaussianProcess.of(hyper, COLUMNS, seen[:20]).and_seen(seen[20:50]).and_seen(seen[50:])
    factor = np.linalg.cholesky(kernel(hyper, COLUMNS, seen, seen) + hyper.noise * np.eye(60))
    np.testing.assert_allclose(grown.inverse_factor @ factor, np.eye(60), atol=1e-9)
    np.testing.assert_allclose(grown.predict(rows(30, 9), targets), whole.predict(rows(30, 9), targets), atol=1e-9)


def test_growing_at_once_or_one_by_one_is_the_same_to_the_last_bit():
    hyper, seen = hyperparameters(), rows(50)
    at_once, one_by_one = (GaussianProcess.of(hyper, COLUMNS, seen[:20]) for _ in range(2))
    at_once = at_once.and_seen(seen[20:])
    for row in seen[20:]:
        one_by_one = one_by_one.and_seen(row[None])
    assert at_once.inverse_factor.tobytes() == one_by_one.inverse_factor.tobytes()


def test_what_was_seen_many_times_is_known_well_and_a_process_stays_finite():
    hyper = hyperparameters()
    seen = np.repeat(rows(1), 200, axis=0)
    process = GaussianProcess.of(hyper, COLUMNS, seen[:100]).and_seen(seen[100:])
    mean, sd = process.predict(seen[:1], np.full(200, 0.8))
    # The mean of n measurements with noise s_n of a value with the prior variance s.
    shrinkage = hyper.signal / (hyper.signal + hyper.noise / 200)
    assert mean[0] == pytest.approx(0.8 * shrinkage, rel=1e-6)
    assert sd[0] == pytest.approx(math.sqrt(hyper.signal * (1 - shrinkage)), rel=1e-4)


def test_a_fit_is_likelier_than_the_prior_and_finds_the_decisions_that_matter():
    seen = rows(120)
    strides = [k for k, d in enumerate(SPACE.decisions) if d.name in {"stride_1", "stride_2"}]
    chosen = CODES.sample(120, np.random.default_rng(0))[:, strides]
    targets = (chosen == 2).sum(axis=1) + 0.1 * targets_of(120)
    targets = (targets - targets.mean()) / targets.std()
    hyper = fit(COLUMNS, seen, targets)
    prior = Hyperparameters.prior(CODES.n_decisions)
    assert log_evidence(hyper, COLUMNS, seen, targets)[0] > log_evidence(prior, COLUMNS, seen, targets)[0] + 20
    assert set(np.argsort(hyper.weights)[-2:]) == set(strides)


def test_a_fit_to_targets_that_are_all_equal_is_finite():
    hyper = fit(COLUMNS, rows(20), np.zeros(20))
    assert np.isfinite(hyper.logarithms()).all()
