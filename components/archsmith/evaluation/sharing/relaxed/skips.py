"""A guard that limits the skips of what is derived.

Reference: Chen, Xie, Wu, Tian 2019, P-DARTS (arXiv:1904.12760), section 3.3.2: as long as a cell has too many skips, the least
probable one of them is left out and the cell is derived anew. Liang et al. 2019, DARTS+ (arXiv:1909.06035), section 3.2, end the
search where a cell would have too many.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from archsmith.models.mixed.network import Point

LEFT_OUT = float(np.finfo(float).tiny)
"""Probability of an option that is left out: less than that of any other, and a number that has a logarithm."""

Probabilities = Mapping[str, np.ndarray]
"""Of the options of each point, by its name."""

Derive = Callable[[Probabilities], Mapping[str, tuple[int, ...]]]
"""Returns the places of the options that each point has in what is derived, by the point's name; none where it is left out."""


def limited(points: Sequence[Point], probabilities: Probabilities, most: int, derive: Derive) -> dict[str, np.ndarray]:
    """Return the probabilities with skips at no more than `most` points of a cell: the most probable of those that are derived.

    Args:
        points: The choices; those of a cell have a name in common up to the last dot.
        probabilities: As they were learnt.
        most: Skips that are left in each cell, >= 0.
        derive: Derives the most probable architecture.
    """
    left, gone = dict(probabilities), set[str]()
    while True:
        derived = derive(left)
        skipping = [[point for point in _skipping(cell, derived) if point.name not in gone] for cell in _cells(points)]
        weakest = [min(cell, key=lambda p: _skip(p, left[p.name])) for cell in skipping if len(cell) > most]
        if not weakest:
            kept = {point.name for cell in skipping for point in cell}
            return {p.name: left[p.name] if p.name in kept else _without(p, left[p.name]) for p in points}
        for point in weakest:
            left[point.name] = _without(point, left[point.name])
            gone.add(point.name)


def most_skips(points: Sequence[Point], derived: Mapping[str, tuple[int, ...]]) -> int:
    """Return how many skips a cell of what is derived has, at most; `derived` is what a `Derive` returns."""
    return max((sum(1 for _ in _skipping(cell, derived)) for cell in _cells(points)), default=0)


def _skipping(cell: Sequence[Point], derived: Mapping[str, tuple[int, ...]]) -> Iterator[Point]:
    """Yield the points of a cell that skip in what is derived, and need not."""
    for point in cell:
        if any(point.options[k] in point.skips for k in derived[point.name]) and not point.skips.issuperset(point.options):
            yield point


def _cells(points: Sequence[Point]) -> list[list[Point]]:
    cells: dict[str, list[Point]] = {}
    for point in points:
        cells.setdefault(point.name.rpartition(".")[0], []).append(point)
    return list(cells.values())


def _skip(point: Point, probabilities: np.ndarray) -> float:
    """Return how probable the skips of a point are."""
    return math.fsum(p for option, p in zip(point.options, probabilities, strict=True) if option in point.skips)


def _without(point: Point, probabilities: np.ndarray) -> np.ndarray:
    """Leave out the skips, unless there is nothing else."""
    skips = np.array([option in point.skips for option in point.options])
    if skips.all() or not skips.any():
        return probabilities
    left = np.where(skips, LEFT_OUT, np.maximum(probabilities, np.sqrt(LEFT_OUT)))
    left /= left.sum()
    return np.maximum(left, LEFT_OUT)
