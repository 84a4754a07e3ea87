"""How probable success is, against the rule by which trials have failed."""

from dataclasses import replace

import numpy as np
import pytest

from archsmith.spaces.decisions import Decision
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.bayesian.measurements import Measurements
from archsmith.strategies.bayesian.success import Success, labels
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import small_problem
from archsmith.values import Proposal, Trial

SPACE = PlainSpace("eight", [Decision(f"d{k}", (0, 1, 2)) for k in range(8)])
CODES = Codes(SPACE)
PROBLEM = replace(small_problem(), space=SPACE)


def told(rows, succeeded):
    """Return what is believed after trials of these rows, of which some have succeeded."""
    known = Measurements(PROBLEM, CODES)
    for row, ok in zip(rows, succeeded, strict=True):
        proposal = Proposal(CODES.decode(row), PROBLEM.fidelity)
        known.add(
            Trial(proposal, "complete", {"accuracy": 0.5}) if ok else Trial(proposal, "failed", error="DivergedError: no number")
        )
    return known.success()


def drawn(n, seed):
    return CODES.sample(n, np.random.default_rng(seed))


def test_the_region_that_fails_is_told_from_the_other():
    rows, others = drawn(60, 0), drawn(200, 1)
    fails = lambda of: (of[:, 0] == 1) | (of[:, 3] == 2)  # noqa: E731
    found = np.exp(told(rows, ~fails(rows)).log_probability(others))
    assert found[~fails(others)].mean() > 0.75
    assert found[fails(others)].mean() < 0.25


@pytest.mark.parametrize("seed", range(3))
def test_failures_of_chance_are_no_more_probable_anywhere(seed):
    succeeded = np.random.default_rng(seed).random(80) < 0.6
    found = np.exp(told(drawn(80, seed + 10), succeeded).log_probability(drawn(200, 1)))
    assert abs(found.mean() - 0.6) < 0.15
    assert found.std() < 0.15


def test_where_all_have_succeeded_there_is_nothing_to_ask():
    assert told(drawn(10, 0), [True] * 10) is None


def test_n_trials_never_tell_more_than_one_in_n_plus_two():
    found = Success.of(np.array([False] * 7 + [True]), lambda rows: np.full(len(rows), -50.0))
    assert np.exp(found.log_probability(drawn(3, 0))) == pytest.approx(0.1)
    found = Success.of(np.array([False] * 7 + [True]), lambda rows: np.full(len(rows), 50.0))
    assert np.exp(found.log_probability(drawn(3, 0))) == pytest.approx(1.0)


def test_labels_are_standardised_and_predicting_them_gives_the_shares_back():
    succeeded = np.array([True, False, False, True, True])
    values = labels(succeeded)
    assert (values.mean(), values.std()) == pytest.approx((0, 1))
    believed = np.exp(Success.of(succeeded, lambda rows: values).log_probability(drawn(5, 0)))
    np.testing.assert_allclose(believed, np.clip(succeeded, 1 / 7, 1))
    assert (labels(np.array([True, True])) == 0).all()
