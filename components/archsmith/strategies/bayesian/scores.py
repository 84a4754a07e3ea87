"""Scores of untrained networks, beside the decisions: what a surrogate may learn from without a training.

Reference: White et al. 2021, How Powerful are Performance Predictors in Neural Architecture Search? (arXiv:2104.01177),
section 4, and Krishnakumar et al. 2022, NAS-Bench-Suite-Zero (arXiv:2210.03230), section 5: zero-cost scores as further
features of a model-based search, rather than in place of one. It learns which of them tell something in this space.

A score may range over a hundred powers of ten, and none has a unit that means anything. So what counts is where it lies among
those of random architectures of the space: the standard normal quantile of its rank. What a search finds lies beyond all of
these; there, it goes on as from the median to the outermost, in a scale that is logarithmic, or linear near the median where
some scores are negative. Two architectures are the more alike in a score the closer these are, in `LEVELS` steps. What has no
score is like nothing else in it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.strategies.bayesian.gaussian_process import Array
from archsmith.strategies.bayesian.layout import Layout
from archsmith.values import Architecture

REFERENCE = 64
"""Random architectures, always the same ones, that a score is compared with."""
FURTHEST = 6.0
"""How far from the median a score may lie, in standard deviations of random architectures."""
LEVELS = 48
"""Steps from one end to the other."""
COUNTED = frozenset({"n_params", "flops"})
"""Scores that are counted, without a batch of images: these are cheap enough to know of every candidate."""

Score = Callable[[Architecture], Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Scale:
    """Turns values of a score into what can be compared."""

    middle: float
    """The median of those of random architectures."""
    spread: float | None
    """The median distance to it; None where all are positive, and logarithms are compared."""
    ends: Array
    """Where these lie in the scale that is logarithmic far from the median, ascending, (n,)."""
    quantiles: Array
    """The standard normal quantiles of their ranks, (n,)."""

    @classmethod
    def of(cls, values: Array) -> "Scale":
        """Make the scale of a random sample, (n,)."""
        from scipy import special  # it takes a while to load, and a search without scores does not need it

        known, count = np.unique(values[np.isfinite(values)], return_counts=True)
        if not len(known):
            return cls(0.0, 1.0, np.zeros(1), np.zeros(1))
        sample = np.repeat(known, count)
        middle = float(np.median(sample))
        spread = None if known[0] > 0 else float(np.median(np.abs(sample - middle)) or sample.std() or 1.0)
        quantiles = special.ndtri((count.cumsum() - count / 2) / len(sample))
        return cls(middle, spread, _compressed(known, middle, spread), quantiles)

    def __call__(self, values: Array) -> Array:
        """Return values in [-1, 1], the ends being `FURTHEST` from the median; NaN stays NaN."""
        at = _compressed(values, self.middle, self.spread)
        found = np.interp(at, self.ends, self.quantiles)
        for k, beyond in ((0, at < self.ends[0]), (-1, at > self.ends[-1])):
            end, quantile = self.ends[k], self.quantiles[k]
            slope = quantile / end if end * quantile > 0 else 1.0
            found = np.where(beyond, quantile + slope * (at - end), found)
        return np.asarray(np.where(np.isnan(values), np.nan, np.clip(found / FURTHEST, -1, 1)))


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of architectures, each computed once."""

    codes: Codes
    """Makes architectures of rows."""
    score: Score
    """Returns the scores of an architecture by name; NaN where it has none."""
    names: Sequence[str]
    """Those that count, at least one."""
    scales: Sequence["Scale"]
    """That of each."""
    _known: dict[bytes, Array] = field(default_factory=dict)

    @classmethod
    def made(cls, codes: Codes, score: Score, names: Sequence[str], sample: Sequence[Architecture]) -> "Scores":
        """Make them with a random sample to compare with."""
        values = np.array([_values(score(a), names) for a in sample])
        return cls(codes, score, names, [Scale.of(column) for column in values.T])

    @property
    def are_counted(self) -> bool:
        """Whether they are cheap."""
        return set(self.names) <= COUNTED

    def of(self, rows: Rows) -> Array:
        """Return the score of each architecture as its scale has it: (n, n_scores), in [-1, 1], NaN where it has none."""
        values = np.array([self._of(row) for row in rows]).reshape(len(rows), len(self.names))
        return np.stack([scale(own) for own, scale in zip(values.T, self.scales, strict=True)], axis=1)

    def _of(self, row: Rows) -> Array:
        found = self._known.get(key := row.tobytes())
        if found is None:
            found = self._known[key] = _values(self.score(self.codes.decode(row)), self.names)
        return found


@dataclass(frozen=True, eq=False)
class ScoredCodes:
    """What `Codes` says of architectures, and their scores behind it."""

    codes: Codes
    """The decisions."""
    scores: Scores
    """What stands beside them."""
    unknown: bool = False
    """Whether the scores are left out, as if there were none."""

    @property
    def layout(self) -> Layout:
        """What the columns are: the decisions, and a part for each score."""
        return self.codes.layout.and_numbers(len(self.scores.names), 2 * (LEVELS - 1))

    def vectors(self, rows: Rows) -> Array:
        """Return (n, n_columns): those of `Codes.vectors`, and for each score whether its place is below or above each step."""
        own = self.codes.vectors(rows)
        n_columns = 2 * (LEVELS - 1) * len(self.scores.names)
        beside = np.zeros((len(rows), n_columns)) if self.unknown else _steps(self.scores.of(rows)).reshape(len(rows), -1)
        return np.concatenate([own, beside], axis=1)


def _values(scores: Mapping[str, float], names: Sequence[str]) -> Array:
    return np.array([float(scores[name]) for name in names])


def _compressed(values: Array, middle: float, spread: float | None) -> Array:
    if spread is not None:
        return np.asarray(np.arcsinh((values - middle) / spread))
    return np.log(np.maximum(values, 1e-300)) - math.log(middle)


def _steps(scores: Array) -> Array:
    """Return (n, n_scores, 2 (LEVELS - 1)), so that the product of two is 1 less half of their distance; 0 for NaN."""
    beyond = (scores[:, :, None] + 1) / 2 * LEVELS >= np.arange(1, LEVELS)
    known = ~np.isnan(scores)[:, :, None]
    return np.asarray(np.concatenate([beyond & known, ~beyond & known], axis=2) / np.sqrt(LEVELS - 1))
