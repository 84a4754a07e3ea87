"""Several objectives at once: fronts, crowding, and the hypervolume, all of costs to be minimized.

References:
    - Deb, Pratap, Agarwal, Meyarivan 2002, A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II
      (IEEE Trans. Evol. Comput. 6(2), doi:10.1109/4235.996017), sections III-A and III-B.
    - While, Bradstreet, Barone 2012, A Fast Way of Calculating Exact Hypervolumes
      (IEEE Trans. Evol. Comput. 16(1), doi:10.1109/TEVC.2010.2077298): the algorithm WFG.

Where this deviates: an objective in which all points of a front are equal adds nothing to their crowding
distances, where the paper would divide by zero; points are put on fronts by counting who is left to dominate
them, as the paper does, but for a whole front at once.
"""

import numpy as np


def nondominated(costs: np.ndarray) -> np.ndarray:
    """Tell which points no other point dominates: those of front 0, found without comparing all pairs.

    It takes a pass over the points for each different one of the front, so it is the one for a long history.

    Args:
        costs: (n_points, n_objectives), float64, no NaN.

    Returns:
        One boolean a point, (n_points,). Of points with equal costs all are kept.
    """
    keep = np.zeros(len(costs), dtype=bool)
    # In this order whatever dominates a point comes before it, so the first one that is left is on the front.
    left = np.lexsort(costs.T[::-1])
    while len(left):
        here = costs[left]
        keep[left[(here == here[0]).all(axis=1)]] = True
        left = left[(here < here[0]).any(axis=1)]
    return keep


def fronts(costs: np.ndarray) -> np.ndarray:
    """Return the front of each point: 0 where no other point dominates it, 1 where only points of front 0 do, and so on.

    A point dominates another if it is at most as costly in every objective and less in one; so equal points
    are on the same front.

    Args:
        costs: (n_points, n_objectives), float64; NaN counts as infinite.

    Returns:
        One integer a point, (n_points,).

    Reference: Deb 2002, section III-A; `dominators` is n_p there.
    """
    dominated = _dominates(np.where(np.isnan(costs), np.inf, costs))
    dominators = dominated.sum(axis=0)
    found = np.full(len(costs), -1)
    front = 0
    while (here := (dominators == 0) & (found < 0)).any():
        found[here] = front
        dominators -= dominated[here].sum(axis=0)
        front += 1
    return found


def crowding_distances(costs: np.ndarray) -> np.ndarray:
    """Return how much room each point of a front has: the half perimeter of the box between its neighbours.

    The first and the last point by any objective have infinitely much. Points that are equal in an objective
    are neighbours there in the order in which they are given.

    Args:
        costs: Of the points of one front, (n_points, n_objectives), float64, finite.

    Returns:
        One distance a point, (n_points,), each objective in units of its range.

    Reference: Deb 2002, section III-B, `crowding-distance-assignment`.
    """
    distances = np.zeros(len(costs))
    for values in costs.T:
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        distances[order[[0, -1]]] = np.inf
        if (spread := ordered[-1] - ordered[0]) > 0:
            distances[order[1:-1]] += (ordered[2:] - ordered[:-2]) / spread
    return distances


def hypervolume(costs: np.ndarray, reference: np.ndarray) -> float:
    """Return the volume of all that some point dominates and that dominates the reference point, exactly.

    It takes n log n for two objectives; for more it grows fast with the size of the front, and is meant
    for some dozens of points.

    Args:
        costs: (n_points, n_objectives), float64. A point that is not better than the reference in every objective, or
            has a NaN, adds nothing.
        reference: A cost that is worse than all that count, (n_objectives,), float64, finite.

    Reference: While 2012, algorithms 1 and 2.
    """
    points = np.unique(costs[(costs < reference).all(axis=1)], axis=0)
    if len(points) == 0:
        return 0.0
    return _volume(points, reference)


def _dominates(costs: np.ndarray) -> np.ndarray:
    """Tell for each pair whether the first point dominates the second, (n_points, n_points)."""
    n = len(costs)
    no_worse, better = np.ones((n, n), dtype=bool), np.zeros((n, n), dtype=bool)
    for values in costs.T:
        no_worse &= values[:, None] <= values
        better |= values[:, None] < values
    return no_worse & better


def _volume(points: np.ndarray, reference: np.ndarray) -> float:
    """Return the hypervolume of points in ascending lexicographic order, at least one, all better than the reference."""
    if len(points) == 1 or points.shape[1] == 1:
        return float(np.prod(reference - points[0]))
    if points.shape[1] == 2:
        return _area(points, reference)
    # The costliest in the first objective come first, so that limiting the rest to them leaves few distinct points.
    return sum(_exclusive(points[k], points[:k], reference) for k in range(len(points)))


def _area(points: np.ndarray, reference: np.ndarray) -> float:
    """Return the hypervolume of two objectives: a sweep along the first, with the best of the second so far."""
    lowest = np.minimum.accumulate(points[:, 1])
    until = np.append(points[1:, 0], reference[0])
    return float(((until - points[:, 0]) * (reference[1] - lowest)).sum())


def _exclusive(point: np.ndarray, others: np.ndarray, reference: np.ndarray) -> float:
    """Return the volume that `point` dominates and none of `others` does (algorithm 2, `exclhv`)."""
    volume = float(np.prod(reference - point))
    if len(others) == 0:
        return volume
    limited = np.unique(np.maximum(others, point), axis=0)
    return volume - _volume(limited[fronts(limited) == 0], reference)
