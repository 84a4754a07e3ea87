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
LAYOUT = CODES.layout


def rows(n, seed=0):
    return CODES.vectors(CODES.sample(n, np.random.default_rng(seed)))


def hyperparameters(seed=0):
    rng = np.random.default_rng(seed)
    return Hyperparameters(rng.uniform(0.01, 0.5, CODES.n_decisions), np.array([1.7]), 0.05)


def sklearns(hyper, seen, targets):
    """Return scikit-learn's process: exp(-|a - b|^2 / 2 l^2) of one-hot rows is exp(-1 / l^2) where a decision differs."""
    lengths = 1 / np.sqrt(hyper.weights[LAYOUT.weights])
    same = ConstantKernel(hyper.signals[0]) * RBF(lengths)
    return GaussianProcessRegressor(same, alpha=hyper.noise, optimizer=None).fit(seen, targets)


def targets_of(n, seed=1):
    return np.random.default_rng(seed).standard_normal(n)


@pytest.mark.parametrize("seed", range(3))
def test_mean_and_standard_deviation_are_those_of_scikit_learn(seed):
    hyper, seen, targets = hyperparameters(seed), rows(40, seed), targets_of(40)
    mean, sd = GaussianProcess.of(hyper, LAYOUT, seen).predict(rows(30, 9), targets)
    expected_mean, expected_sd = sklearns(hyper, seen, targets).predict(rows(30, 9), return_std=True)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-10)
    np.testing.assert_allclose(sd, expected_sd, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_the_evidence_is_that_of_scikit_learn(seed):
    hyper, seen, targets = hyperparameters(seed), rows(40, seed), targets_of(40)
    value, _ = log_evidence(hyper, LAYOUT, seen, targets)
    assert value == pytest.approx(sklearns(hyper, seen, targets).log_marginal_likelihood_value_, rel=1e-10)


def test_the_gradient_of_the_evidence_is_the_numerical_one():
    hyper, seen, targets = hyperparameters(), rows(25), targets_of(25)

    def value(theta):
        return log_evidence(Hyperparameters.of_logarithms(theta), LAYOUT, seen, targets)[0]

    _, gradient = log_evidence(hyper, LAYOUT, seen, targets)
    np.testing.assert_allclose(gradient, approx_fprime(hyper.logarithms(), value, 1e-6), atol=1e-4)


def with_numbers(n, seed=0):
    """Return architectures with two numbers beside their decisions, each of three places, and what their columns are."""
    places = np.random.default_rng([seed, 1]).integers(3, size=(n, 2))
    steps = np.array([[0, 0, 1, 1], [1, 0, 0, 1], [1, 1, 0, 0]]) / np.sqrt(2)
    return np.hstack([rows(n, seed), *steps[places].swapaxes(0, 1)]), LAYOUT.and_numbers(2, 4)


def test_parts_beside_the_decisions_are_added_as_in_scikit_learn():
    (seen, layout), (others, _), targets = with_numbers(40), with_numbers(30, 9), targets_of(40)
    weights = np.append(hyperparameters().weights, [1.5, 0.4])
    hyper = Hyperparameters(weights, np.array([1.7, 0.6, 0.3]), 0.05)
    # A length of a million is none at all.
    lengths = [np.where(layout.weights // CODES.n_decisions == 0, 1 / np.sqrt(weights[layout.weights]), 1e6)]
    lengths += [np.where(layout.weights == CODES.n_decisions + k, 1 / np.sqrt(weights[layout.weights]), 1e6) for k in range(2)]
    first, second, third = (ConstantKernel(s) * RBF(of) for s, of in zip(hyper.signals, lengths, strict=True))
    expected = GaussianProcessRegressor(first + second + third, alpha=hyper.noise, optimizer=None).fit(seen, targets)
    found = GaussianProcess.of(hyper, layout, seen).predict(others, targets)
    np.testing.assert_allclose(found, expected.predict(others, return_std=True), atol=1e-7)
    value, gradient = log_evidence(hyper, layout, seen, targets)
    assert value == pytest.approx(expected.log_marginal_likelihood_value_, rel=1e-8)

    def evidence(theta):
        return log_evidence(Hyperparameters.of_logarithms(theta, 3), layout, seen, targets)[0]

    np.testing.assert_allclose(gradient, approx_fprime(hyper.logarithms(), evidence, 1e-6), atol=1e-4)


def test_an_architecture_without_a_score_is_the_same_whenever_it_was_seen():
    (seen, layout), targets = with_numbers(25), targets_of(25)
    seen[::3, -8:] = 0.0  # as `Scores` has it: nothing in common with any, itself included
    hyper = Hyperparameters(np.append(hyperparameters().weights, [1.5, 0.4]), np.array([1.7, 0.6, 0.3]), 0.05)
    at_once = GaussianProcess.of(hyper, layout, seen)
    grown = GaussianProcess.of(hyper, layout, seen[:1]).and_seen(seen[1:])
    np.testing.assert_allclose(at_once.predict(seen, targets), grown.predict(seen, targets), atol=1e-9)

    def evidence(theta):
        return log_evidence(Hyperparameters.of_logarithms(theta, 3), layout, seen, targets)[0]

    _, gradient = log_evidence(hyper, layout, seen, targets)
    np.testing.assert_allclose(gradient, approx_fprime(hyper.logarithms(), evidence, 1e-6), atol=1e-4)


def test_a_fit_leaves_a_number_that_tells_nothing_little_variance():
    seen, layout = with_numbers(100)
    place = np.random.default_rng([0, 1]).integers(3, size=(100, 2))[:, 0]
    targets = place + 0.3 * targets_of(100)
    hyper = fit(layout, seen, (targets - targets.mean()) / targets.std())
    assert hyper.signals[1] > 3 * hyper.signals[2]


def test_a_process_that_has_grown_is_one_made_at_once():
    hyper, seen, targets = hyperparameters(), rows(60), targets_of(60)
    whole = GaussianProcess.of(hyper, LAYOUT, seen)
    grown = GaussianProcess.of(hyper, LAYOUT, seen[:20]).and_seen(seen[20:50]).and_seen(seen[50:])
    factor = np.linalg.cholesky(kernel(hyper, LAYOUT, seen, seen) + hyper.noise * np.eye(60))
    np.testing.assert_allclose(grown.inverse_factor @ factor, np.eye(60), atol=1e-9)
    np.testing.assert_allclose(grown.predict(rows(30, 9), targets), whole.predict(rows(30, 9), targets), atol=1e-9)


def test_growing_at_once_or_one_by_one_is_the_same_to_the_last_bit():
    hyper, seen = hyperparameters(), rows(50)
    at_once, one_by_one = (GaussianProcess.of(hyper, LAYOUT, seen[:20]) for _ in range(2))
    at_once = at_once.and_seen(seen[20:])
    for row in seen[20:]:
        one_by_one = one_by_one.and_seen(row[None])
    assert at_once.inverse_factor.tobytes() == one_by_one.inverse_factor.tobytes()


def test_what_was_seen_many_times_is_known_well_and_a_process_stays_finite():
    hyper = hyperparameters()
    seen = np.repeat(rows(1), 200, axis=0)
    process = GaussianProcess.of(hyper, LAYOUT, seen[:100]).and_seen(seen[100:])
    mean, sd = process.predict(seen[:1], np.full(200, 0.8))
    # The mean of n measurements with noise s_n of a value with the prior variance s.
    shrinkage = hyper.signals[0] / (hyper.signals[0] + hyper.noise / 200)
    assert mean[0] == pytest.approx(0.8 * shrinkage, rel=1e-6)
    assert sd[0] == pytest.approx(math.sqrt(hyper.signals[0] * (1 - shrinkage)), rel=1e-4)


def test_a_fit_is_likelier_than_the_prior_and_finds_the_decisions_that_matter():
    seen = rows(120)
    strides = [k for k, d in enumerate(SPACE.decisions) if d.name in {"stride_1", "stride_2"}]
    chosen = CODES.sample(120, np.random.default_rng(0))[:, strides]
    targets = (chosen == 2).sum(axis=1) + 0.1 * targets_of(120)
    targets = (targets - targets.mean()) / targets.std()
    hyper = fit(LAYOUT, seen, targets)
    prior = Hyperparameters.prior(LAYOUT)
    assert log_evidence(hyper, LAYOUT, seen, targets)[0] > log_evidence(prior, LAYOUT, seen, targets)[0] + 20
    assert set(np.argsort(hyper.weights)[-2:]) == set(strides)


def test_a_fit_to_targets_that_are_all_equal_is_finite():
    hyper = fit(LAYOUT, rows(20), np.zeros(20))
    assert np.isfinite(hyper.logarithms()).all()
