"""The exact hypervolume of some points, to hold strategies for several goals to.

Reference: While, Bradstreet, Barone 2012, A Fast Way of Calculating Exact Hypervolumes
(IEEE Trans. Evol. Comput. 16(1), doi:10.1109/TEVC.2010.2077298): the algorithm WFG.
"""

import numpy as np

from archsmith.values.pareto import fronts


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
