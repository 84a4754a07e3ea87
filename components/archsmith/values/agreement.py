"""How far two ways to measure the same things agree on their order.

References:
    - Kendall, A New Measure of Rank Correlation (Biometrika 30, 1938); of ties, tau-b (Kendall, The Treatment of Ties in Ranking
      Problems, Biometrika 33, 1945).
    - Kendall, Rank Correlation Methods (1970), chapter 5: the number of orders with so many pairs the wrong way round.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

EXACT = 33
"""Most things for which the probability is counted out; beyond, a normal distribution is as good."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two orders of the same things agree."""

    n: int
    """How many things there are."""
    tau: float
    """Kendall's tau-b, in [-1, 1]; NaN where one of the two tells nothing apart."""
    chance: float
    """Probability that two orders without any relation agree or disagree at least as much, in [0, 1]; NaN with tau."""

    @property
    def spread(self) -> float:
        """Within how much of 0 tau lies in 19 of 20 cases where there is no relation: what so few things can tell."""
        return min(1.0, 1.96 * math.sqrt(2 * (2 * self.n + 5) / (9 * self.n * (self.n - 1)))) if self.n > 1 else 1.0


def agreement(one: Sequence[float], two: Sequence[float]) -> Agreement:
    """Compare two measurements of the same things, in the same order, all finite."""
    n = len(one)
    pairs = [_sign(a - b) * _sign(c - d) for (a, c), (b, d) in combinations(zip(one, two, strict=True), 2)]
    ties_one, ties_two = _ties(one), _ties(two)
    apart = [len(pairs) - sum(t * (t - 1) // 2 for t in ties) for ties in (ties_one, ties_two)]
    if not all(apart):
        return Agreement(n, math.nan, math.nan)
    score = sum(pairs)
    tau = max(-1.0, min(1.0, score / math.sqrt(apart[0] * apart[1])))
    if not ties_one and not ties_two and n <= EXACT:
        return Agreement(n, tau, _counted(n, pairs.count(-1)))
    return Agreement(n, tau, math.erfc(abs(score) / math.sqrt(2 * _variance(n, ties_one, ties_two))))


def _sign(difference: float) -> int:
    return (difference > 0) - (difference < 0)


def _ties(values: Sequence[float]) -> list[int]:
    """Return how many share each value that several have."""
    return [n for n in Counter(values).values() if n > 1]


def _counted(n: int, wrong: int) -> float:
    """Return the share of all orders of `n` things with as few, or as many, pairs the wrong way round as `wrong`."""
    orders = [1]  # by the number of such pairs; one more thing adds 0 to k of them
    for k in range(1, n):
        orders = [sum(orders[max(0, i - k) : i + 1]) for i in range(len(orders) + k)]
    tail = min(wrong, len(orders) - 1 - wrong)
    return min(1.0, 2 * sum(orders[: tail + 1]) / math.factorial(n))


def _variance(n: int, one: Sequence[int], two: Sequence[int]) -> float:
    """Return the variance of the score of two orders without any relation, with their ties (Kendall 1970, chapter 4)."""
    plain, *tied = (sum(t * (t - 1) * (2 * t + 5) for t in ties) for ties in ((n,), one, two))
    twos, threes = (math.prod(sum(map(count, ties)) for ties in (one, two)) for count in (_twos, _threes))
    return (plain - sum(tied)) / 18 + twos / (2 * n * (n - 1)) + (threes / (9 * n * (n - 1) * (n - 2)) if n > 2 else 0.0)


def _twos(t: int) -> int:
    return t * (t - 1)


def _threes(t: int) -> int:
    return t * (t - 1) * (t - 2)
