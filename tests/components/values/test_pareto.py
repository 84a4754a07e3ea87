"""Fronts, crowding and hypervolume, against brute force and closed forms."""

import math
from itertools import combinations

import numpy as np
import pytest

from archsmith.values.pareto import crowding_distances, fronts, hypervolume, nondominated


def dominates(a, b):
    """Tell whether `a` dominates `b`, by the definition; NaN is the worst."""
    a, b = ([math.inf if math.isnan(x) else x for x in p] for p in (a, b))
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def peeled(points):
    """Return the front of each point by taking away the nondominated ones again and again."""
    found, left, front = [-1] * len(points), set(range(len(points))), 0
    while left:
        best = {i for i in left if not any(dominates(points[j], points[i]) for j in left)}
        for i in best:
            found[i] = front
        left -= best
        front += 1
    return found


def brute_crowding(points):
    """Return Deb's distances, point by point and neighbour by neighbour."""
    n, distances = len(points), []
    for i in range(n):
        total = 0.0
        for m in range(len(points[0])):
            column = [p[m] for p in points]
            before = [j for j in range(n) if (column[j], j) < (column[i], i)]
            after = [j for j in range(n) if (column[j], j) > (column[i], i)]
            if not before or not after:
                total = math.inf
            elif max(column) > min(column):
                total += (min(column[j] for j in after) - max(column[j] for j in before)) / (max(column) - min(column))
        distances.append(total)
    return distances


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
def test_fronts_are_those_of_brute_force(m):
    for points in clouds(30, m):
        assert fronts(points).tolist() == peeled(points.tolist())


def test_a_point_with_nan_is_as_one_that_is_infinitely_costly_there():
    for points in clouds(30, 2):
        points[np.random.default_rng(0).random(points.shape) < 0.2] = math.nan
        assert fronts(points).tolist() == peeled(points.tolist())


def test_a_chain_has_a_front_a_point_and_equal_points_share_one():
    assert fronts(np.array([[3.0, 3], [1, 1], [2, 2], [1, 1]])).tolist() == [2, 0, 1, 0]


def test_no_points_have_no_fronts():
    assert fronts(np.empty((0, 2))).tolist() == []


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 3, 15])
def test_crowding_distances_are_those_of_brute_force(n, m):
    for points in clouds(n, m):
        np.testing.assert_allclose(crowding_distances(points), brute_crowding(points.tolist()))


def test_an_objective_in_which_all_are_equal_adds_nothing():
    points = np.array([[0.0, 7], [1, 7], [3, 7], [4, 7]])
    assert crowding_distances(points).tolist() == [math.inf, 0.75, 0.75, math.inf]


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


@pytest.mark.parametrize("n_objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("grid", [3, 10, 0], ids=lambda g: f"grid {g}" if g else "continuous")
def test_the_front_is_that_of_brute_force(n_objectives: int, grid: int) -> None:
    rng = np.random.default_rng(n_objectives + grid)
    for _ in range(20):
        points = rng.integers(0, grid, (40, n_objectives)).astype(float) if grid else rng.normal(size=(40, n_objectives))
        expected = [
            not any(all(a <= b for a, b in zip(q, p, strict=True)) and tuple(q) != tuple(p) for q in points) for p in points
        ]
        assert nondominated(points).tolist() == expected


def test_a_long_history_has_a_front_as_well() -> None:
    points = np.random.default_rng(0).normal(size=(20_000, 2))
    front = points[nondominated(points)]
    assert 1 <= len(front) < 100
    assert front.min(axis=0).tolist() == points.min(axis=0).tolist()
    assert not any((points < p).all(axis=1).any() for p in front)


def test_there_is_no_front_of_no_points() -> None:
    assert nondominated(np.empty((0, 2))).tolist() == []
