"""Spreading, against scikit-learn's isotonic regression."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from archsmith.report.spread import spread


@pytest.mark.parametrize("seed", range(20))
def test_it_is_isotonic_regression_once_the_gaps_are_taken_away(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    wanted, gaps, weights = rng.normal(size=n), rng.uniform(0.1, 1, n - 1), rng.uniform(0.1, 5, n)
    offsets = np.concatenate([[0], np.cumsum(gaps)])
    expected = IsotonicRegression().fit(np.arange(n), wanted - offsets, weights).predict(np.arange(n)) + offsets
    assert spread(wanted.tolist(), gaps.tolist(), weights.tolist()) == pytest.approx(expected)


def test_what_has_room_stays_where_it_is() -> None:
    assert spread([0.0, 5.0, 9.0], [1.0, 1.0]) == [0.0, 5.0, 9.0]


def test_nothing_is_spread_to_nothing() -> None:
    assert spread([], []) == []
