"""Surrogates that grow with the trials, against ones made at once."""

import numpy as np
import pytest

from archsmith.spaces.chain import ChainConfig
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.bayesian.gaussian_process import GaussianProcess, fit
from archsmith.strategies.bayesian.surrogates import MOST, MOST_TO_FIT, Features, GrowingProcesses, Networks, chosen, last_fit

SPACE = ChainConfig().build()
CODES = Codes(SPACE)
ROWS = list(CODES.sample(600, np.random.default_rng(0)))
TARGETS = np.random.default_rng(1).standard_normal((600, 2))


def growing():
    """Return processes whose trials are the better the smaller their first target is."""
    return GrowingProcesses(CODES, lambda places: TARGETS[places], lambda n: np.argsort(TARGETS[:n, 0]))


def test_processes_are_those_fitted_at_the_last_fit_and_made_of_all_trials():
    n = 50
    found, places = growing().of(ROWS[:n])
    assert (places == np.arange(n)).all()
    hot, at = CODES.vectors(np.array(ROWS[:n])), last_fit(n)
    assert at < n
    asked = CODES.sample(20, np.random.default_rng(2))
    for k in range(2):
        hyper = fit(CODES.layout, hot[:at], TARGETS[:at, k])
        whole = GaussianProcess.of(hyper, CODES.layout, hot)
        expected = whole.predict(CODES.vectors(asked), TARGETS[:n, k])
        np.testing.assert_allclose(np.array(found.predict(asked))[:, :, k], expected, atol=1e-8)


def test_it_does_not_matter_how_often_and_when_the_processes_were_asked():
    often, asked = growing(), CODES.sample(20, np.random.default_rng(2))
    for n in (3, 10, 11, 12, 30, 33, 50):
        often.of(ROWS[:n])
    often.of(ROWS[:20])
    predictions = [g.of(ROWS[:50])[0].predict(asked) for g in (often, growing())]
    assert np.array(predictions[0]).tobytes() == np.array(predictions[1]).tobytes()


def test_most_calls_do_not_fit_anew():
    fits = [last_fit(n) for n in range(1, 1001)]
    assert all(at <= n for n, at in enumerate(fits, start=1))
    assert fits == sorted(fits)
    for n in (100, 500, 1000):
        assert len(set(fits[:n])) < 0.4 * n


def test_a_history_is_cut_to_its_best_and_its_latest():
    order = np.random.default_rng(0).permutation(1000)
    places = chosen(order, 100)
    assert len(places) == len(set(places)) == 100
    assert set(range(950, 1000)) <= set(places)
    assert set(order[:50]) <= set(places)
    assert (np.diff(places) > 0).all()


def test_a_history_that_is_short_enough_is_not_cut():
    assert (chosen(np.random.default_rng(0).permutation(100), 100) == np.arange(100)).all()


def test_processes_of_a_long_history_stay_small():
    found, places = growing().of(ROWS)
    assert MOST_TO_FIT < MOST <= len(places) == len(found.targets) < 500
    assert set(range(last_fit(600), 600)) <= set(places)
    assert int(np.argmin(TARGETS[:, 0])) in places


def test_who_believes_predicts_the_same_and_is_surer_around():
    processes, _ = growing().of(ROWS[:40])
    asked = CODES.sample(20, np.random.default_rng(2))
    believing = processes.believing(asked[:1])
    (mean, sd), (believed_mean, believed_sd) = processes.predict(asked), believing.predict(asked)
    np.testing.assert_allclose(believed_mean, mean, atol=1e-8)
    assert (believed_sd <= sd + 1e-9).all()
    assert (believed_sd[0] < 0.5 * sd[0]).all()


@pytest.mark.parametrize("n_targets", [1, 2])
def test_networks_learn_the_targets_of_the_trials(n_targets):
    rows = np.array(ROWS[:30])
    networks = Networks.of(Features(CODES, SPACE), rows, TARGETS[:30, :n_targets], np.random.default_rng(0))
    mean, sd = networks.predict(rows)
    assert mean.shape == sd.shape == (30, n_targets)
    assert np.abs(mean - TARGETS[:30, :n_targets]).mean() < 0.3
    assert networks.believing(rows[:1]) is networks
