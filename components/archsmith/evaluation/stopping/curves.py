"""The values that stoppers work with: curves of one length, and what is expected of one that runs."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Curves:
    """Learning curves of one length, of the trials before, in the order of their numbers; higher is better."""

    values: np.ndarray
    """(n, horizon), float64; a value an epoch, NaN where there is none, as after the epoch at which a trial was stopped."""
    features: np.ndarray
    """(n, n_features), float64; the architectures, as `Space.features` has them."""

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.features.ndim != 2 or len(self.values) != len(self.features):
            raise ValueError(
                "Curves are (n, horizon) and features (n, n_features), "
                f"but these are {self.values.shape} and {self.features.shape}."
            )

    def __len__(self) -> int:
        return len(self.values)

    @property
    def horizon(self) -> int:
        """Epochs of a whole curve."""
        return int(self.values.shape[1])

    def take(self, rows: np.ndarray) -> "Curves":
        """Return some of the curves: `rows` are indices or a mask."""
        return Curves(self.values[rows], self.features[rows])

    def latest(self, most: int) -> "Curves":
        """Return the last ones, at most so many."""
        return Curves(self.values[-most:], self.features[-most:])

    @cached_property
    def finished(self) -> "Curves":
        """Those that have a value at the end; where one is missing on the way, the value before stands for it."""
        there = self.take(np.isfinite(self.values[:, -1])) if self.horizon else self.take(np.zeros(len(self), bool))
        return Curves(filled(there.values), there.features)


def filled(values: np.ndarray) -> np.ndarray:
    """Return curves, (..., t), in which a value that is not finite is the last one before it, or else the first one after."""
    values = np.where(np.isfinite(values), values, np.nan)
    for step in range(1, values.shape[-1]):
        gap = np.isnan(values[..., step])
        values[..., step] = np.where(gap, values[..., step - 1], values[..., step])
    for step in range(values.shape[-1] - 2, -1, -1):
        gap = np.isnan(values[..., step])
        values[..., step] = np.where(gap, values[..., step + 1], values[..., step])
    return values


@dataclass(frozen=True, eq=False, slots=True)
class Prediction:
    """What a curve is expected to reach, as equally likely values."""

    draws: np.ndarray
    """(n,), float64: the expectation, and from there as far as others have come to lie from theirs, (expectation + error)."""
    mean: float
    """The expectation."""

    @property
    def deviation(self) -> float:
        """How far it may be from what comes: half the width of the interval of 68 %, as for a normal distribution."""
        return float(np.quantile(np.abs(self.draws - self.mean), 0.68)) if len(self.draws) else math.inf

    def chance(self, value: float) -> float:
        """Return the probability of more than `value`: of the draws, and one that may lie anywhere."""
        return (float(np.sum(self.draws > value)) + 0.5) / (len(self.draws) + 1)

    def interval(self, share: float) -> tuple[float, float]:
        """Return the interval that holds what comes with probability `share`.

        Reference: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018 (arXiv:1604.04173), section 2.2: it holds for any predictor,
        if the curves are exchangeable. There the rank (n + 1) `share` is rounded up, which with 15 draws is 94 % for 90. Here
        it lies between two draws, where one of a tail that falls as a power would lie: such as the errors' are. On a line between
        them it would be too far out, as the outer one is far away then: with 15 draws of such a tail, at 92 % for 90.
        Too few draws can promise nothing, and the interval is the line.
        """
        n, rank = len(self.draws), (len(self.draws) + 1) * share
        if rank > n:
            return -math.inf, math.inf
        errors, k = np.sort(np.abs(self.draws - self.mean)), int(rank)
        low, high = float(errors[max(k, 1) - 1]), float(errors[min(k, n - 1)])
        # Of X_k and X_k+1 of n draws with P(X > x) = x^-a: E[P(X > X_k^(1-w) X_k+1^w)] = (n+1-k)/(n+1) (n-k)/(n-k+w).
        way = (n - k) * ((n + 1 - k) / ((n + 1) * (1 - share)) - 1)
        half = low * (high / low) ** way if low > 0 else high
        return self.mean - half, self.mean + half
