"""Fronts and crowding, against brute force and closed forms."""

import math

import numpy as np
import pytest

from archsmith.values.pareto import crowding_distances, fronts, nondominated


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
