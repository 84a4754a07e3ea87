"""Several objectives at once: fronts and crowding, of costs to be minimized.

Reference: Deb, Pratap, Agarwal, Meyarivan 2002, A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II
(IEEE Trans. Evol. Comput. 6(2), doi:10.1109/4235.996017), sections III-A and III-B.

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


def _dominates(costs: np.ndarray) -> np.ndarray:
    """Tell for each pair whether the first point dominates the second, (n_points, n_points)."""
    n = len(costs)
    no_worse, better = np.ones((n, n), dtype=bool), np.zeros((n, n), dtype=bool)
    for values in costs.T:
        no_worse &= values[:, None] <= values
        better |= values[:, None] < values
    return no_worse & better
