"""Positions on a line that keep a distance and move as little as possible."""

from collections.abc import Sequence
from itertools import accumulate


def spread(wanted: Sequence[float], gaps: Sequence[float], weights: Sequence[float] | None = None) -> list[float]:
    """Return the positions nearest to those wanted, by least squares, in the same order and with room between them.

    Less their offsets the positions must not fall, which is isotonic regression: neighbours that
    would fall are pooled at their mean (the pool adjacent violators algorithm).

    Args:
        wanted: Where each would like to be, in order.
        gaps: The least distance between each and the next, one fewer than `wanted`.
        weights: How much each resists being moved, > 0; all alike where left out.
    """
    offsets = list(accumulate(gaps, initial=0.0))
    pools: list[tuple[float, float, int]] = []
    for place, offset, weight in zip(wanted, offsets, weights or [1.0] * len(wanted), strict=False):
        mean, total, n = place - offset, weight, 1
        while pools and pools[-1][0] > mean:
            above, heavy, many = pools.pop()
            mean = (above * heavy + mean * total) / (heavy + total)
            total, n = total + heavy, n + many
        pools.append((mean, total, n))
    means = [mean for mean, _, n in pools for _ in range(n)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]
