"""A guard that limits the skips of what is derived.

Reference: Chen, Xie, Wu, Tian 2019, P-DARTS (arXiv:1904.12760), section 3.3.2: as long as a cell has too many skips, the least
probable one of them is left out and the cell is derived anew. Liang et al. 2019, DARTS+ (arXiv:1909.06035), section 3.2, end the
search where a cell would have too many.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from archsmith.models.mixed.network import Point

LEFT_OUT = 1e-12
"""Probability of an option that is left out: as good as none, and a number that has a logarithm."""


def limited(points: Sequence[Point], probabilities: Mapping[str, np.ndarray], most: int) -> dict[str, np.ndarray]:
    """Return the probabilities without skips but at `most` points a cell: those that skip, and of these the most probable.

    Args:
        points: The choices; those of a cell have a name in common up to the last dot.
        probabilities: Of the options of each point, by its name.
        most: Skips that are left in each cell, >= 0.
    """
    kept = {p.name for cell in _cells(points) for p in sorted(cell, key=lambda p: _rank(p, probabilities[p.name]))[:most]}
    return {p.name: probabilities[p.name] if p.name in kept else _without(p, probabilities[p.name]) for p in points}


def most_skips(points: Sequence[Point], probabilities: Mapping[str, np.ndarray]) -> int:
    """Return at how many points of a cell, at most, the most probable option is a skip."""
    skipping = ([p.options[probabilities[p.name].argmax()] in p.skips for p in cell] for cell in _cells(points))
    return max((sum(cell) for cell in skipping), default=0)


def _cells(points: Sequence[Point]) -> list[list[Point]]:
    cells: dict[str, list[Point]] = {}
    for point in points:
        cells.setdefault(point.name.rpartition(".")[0], []).append(point)
    return list(cells.values())


def _rank(point: Point, probabilities: np.ndarray) -> tuple[bool, float]:
    """Order points: those that skip first, the most probable skips before others."""
    skip = max((p for option, p in zip(point.options, probabilities, strict=True) if option in point.skips), default=0.0)
    return skip < probabilities.max(), -skip


def _without(point: Point, probabilities: np.ndarray) -> np.ndarray:
    """Leave out the skips, unless there is nothing else."""
    skips = np.array([option in point.skips for option in point.options])
    if skips.all() or not skips.any():
        return probabilities
    left = np.where(skips, LEFT_OUT, probabilities)
    left /= left.sum()
    return left
