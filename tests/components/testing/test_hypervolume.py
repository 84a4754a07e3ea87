"""Hypervolumes, against inclusion and exclusion and closed forms."""

import math
from itertools import combinations

import numpy as np
import pytest

from archsmith.testing.hypervolume import hypervolume


def included_and_excluded(points, reference):
    """Return the volume of a union of boxes by inclusion and exclusion."""
    boxes = [p for p in points if (p < reference).all()]
    groups = (group for k in range(1, len(boxes) + 1) for group in combinations(boxes, k))
    return sum((-1) ** (len(g) + 1) * np.prod(reference - np.max(g, axis=0)) for g in groups)


def clouds(n, m):
    """Yield random points: in general position, on a coarse grid with ties and duplicates."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        yield rng.random((n, m))
        yield rng.integers(4, size=(n, m)).astype(float)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_hypervolumes_are_those_of_inclusion_and_exclusion(m):
    reference = np.full(m, 3.0) if m % 2 else np.linspace(0.7, 3.5, m)
    for points in clouds(8, m):
        assert hypervolume(points, reference) == pytest.approx(included_and_excluded(points, reference), abs=1e-12)


def test_the_hypervolume_of_a_large_front_is_that_of_its_closed_form():
    n = 12
    triangle = np.array([[i, j, n - i - j] for i in range(n + 1) for j in range(n + 1 - i)], dtype=float)
    # Of the n^3 unit cubes, those at lower corners that add up to less than n are not dominated: (n + 2 choose 3) of them.
    assert hypervolume(triangle, np.full(3, float(n))) == n**3 - math.comb(n + 2, 3)


def test_a_staircase_has_the_area_of_its_steps():
    n = 1000
    stairs = np.array([[k / n, 1 - k / n] for k in range(n)])
    assert hypervolume(stairs, np.ones(2)) == pytest.approx((n - 1) / (2 * n))


@pytest.mark.parametrize("useless", [[2.0, 0.1], [0.1, 1.0], [math.nan, 0.1], [math.inf, 0.1]])
def test_a_point_that_is_not_better_than_the_reference_in_everything_adds_nothing(useless):
    points = np.array([[0.5, 0.5], useless])
    assert hypervolume(points, np.ones(2)) == 0.25
    assert hypervolume(points[1:], np.ones(2)) == 0.0
    assert hypervolume(np.empty((0, 2)), np.ones(2)) == 0.0
