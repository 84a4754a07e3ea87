"""Kendall's tau, held to scipy's."""

import math

import numpy as np
import pytest
from scipy.stats import kendalltau

from archsmith.values.agreement import agreement


@pytest.mark.parametrize("n", [2, 3, 10, 33, 34, 60])
@pytest.mark.parametrize("levels", [3, 10, 10**9], ids=["many ties", "ties", "no ties"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_tau_and_its_chance_are_those_of_scipy(n: int, levels: int) -> None:
    rng = np.random.default_rng([n, levels])
    for _ in range(5):
        one, two = rng.integers(0, levels, (2, n)).astype(float).tolist()
        found, known = agreement(one, two), kendalltau(one, two)
        assert (found.tau, found.chance) == pytest.approx((known.statistic, known.pvalue), abs=1e-9, nan_ok=True)


def test_what_tells_nothing_apart_agrees_with_nothing() -> None:
    assert math.isnan(agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).tau)
    assert agreement([1.0], [1.0]).spread == 1.0


def test_without_a_relation_tau_lies_within_its_spread_in_19_of_20_cases() -> None:
    rng = np.random.default_rng(0)
    taus = [agreement(rng.random(10).tolist(), rng.random(10).tolist()) for _ in range(1000)]
    assert np.mean([abs(found.tau) <= found.spread for found in taus]) == pytest.approx(0.95, abs=0.02)
