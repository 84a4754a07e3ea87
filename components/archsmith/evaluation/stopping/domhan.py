"""Extrapolation of a learning curve by a weighted ensemble of parametric families.

A curve is an asymptote and a range times a shape, plus noise. Shapes are drawn from a prior once; given a shape, asymptote,
range and noise have their posterior in closed form, and so has how well the shape fits what was seen. Each shape's prediction
counts by that.

Reference: Domhan, Springenberg, Hutter 2015. There the posterior over all parameters is sampled by MCMC, for each look anew,
which takes minutes; here shapes are weighted (importance sampling), and what is linear is integrated exactly (Bishop 2006,
section 3.3 and exercise 3.12), so that 20,000 of them take a few milliseconds. As there, a curve that would fall is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.evaluation.stopping.conformal import ConformalStopper
from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.families import draw_shapes
from archsmith.evaluation.stopping.stopper import PredictingConfig

PRIOR_MEAN = np.array([0.4, 0.5])
"""Start and rise, on a scale where most curves lie between 0 and 1."""
PRIOR_PRECISION = np.array([1.0, 4.0])
"""Of start and rise, in units of the noise's precision times `NOISE`^2."""
NOISE = 0.03
"""The least standard deviation of an epoch's value around the curve that is expected."""
NOISE_WEIGHT = 8.0
"""How many epochs the expected noise is worth."""


class DomhanConfig(PredictingConfig):
    """Extrapolation by a weighted ensemble of eleven parametric families of curves (Domhan 2015)."""

    shapes: Annotated[int, Field(ge=100, le=200_000)] = 20_000
    """Shapes of curves that are drawn; a look takes time in proportion."""

    def build(self) -> ConformalStopper:
        """Make the stopper."""
        return ConformalStopper(Domhan(self.shapes), self.chance)


@dataclass(frozen=True, slots=True)
class Domhan:
    """The weighted ensemble."""

    shapes: int
    """How many shapes."""

    def learn(self, curves: Curves, looks: Sequence[int]) -> "Ensemble":
        """Return the ensemble for curves of this length; it learns nothing else from them but how noisy they are."""
        del looks
        return Ensemble(_shapes(self.shapes, curves.horizon), noise_of(curves.values))


@lru_cache(maxsize=4)
def _shapes(n: int, horizon: int) -> np.ndarray:
    return draw_shapes(np.random.default_rng(0), n, horizon).astype(np.float32)


def noise_of(values: np.ndarray) -> float:
    """Return the standard deviation of an epoch's value around a smooth curve, from second differences of (n, horizon)."""
    if values.shape[1] < 3 or not len(values):
        return NOISE
    each = np.sqrt(np.mean(np.diff(values, n=2, axis=1) ** 2, axis=1) / 6)
    return max(NOISE, float(np.median(each)))


class Ensemble:
    """Shapes, and for each length of a curve what does not depend on its values.

    Args:
        shapes: (n, horizon), float32, each from 0 to 1.
        noise: Standard deviation of an epoch's value around its curve, as expected.
    """

    def __init__(self, shapes: np.ndarray, noise: float) -> None:
        self._shapes, self._noise = shapes, noise
        self._after: dict[int, _Posterior] = {}

    def ends(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict the ends; see `Extrapolator.ends`."""
        del features
        found = [self._end(curve) for curve in values]
        return np.array([mean for mean, _ in found]), np.array([deviation for _, deviation in found])

    def _end(self, curve: np.ndarray) -> tuple[float, float]:
        """Predict from one curve, (t,): a mixture of Student distributions, one a shape."""
        t = len(curve)
        if t not in self._after:
            self._after[t] = self._prepare(t)
        posterior = self._after[t]
        prior = PRIOR_PRECISION * self._noise**2
        moment0 = float(curve.sum()) + prior[0] * PRIOR_MEAN[0]
        moment1 = self._shapes[:, :t] @ curve.astype(np.float32) + np.float32(prior[1] * PRIOR_MEAN[1])
        start = posterior.c00 * moment0 + posterior.c01 * moment1
        rise = posterior.c01 * moment0 + posterior.c11 * moment1
        squares = float(curve @ curve) + float(prior @ PRIOR_MEAN**2) - start * moment0 - rise * moment1
        scale = NOISE_WEIGHT * self._noise**2 + np.maximum(squares, 0.0)
        degrees = NOISE_WEIGHT + t
        score = 0.5 * posterior.log_det - 0.5 * degrees * np.log(scale)
        weights = np.where(rise > 0, np.exp(score - score.max()), 0.0)
        total = float(weights.sum())
        if total <= 0.0:  # it falls however one looks at it: it stays where it is
            return float(curve[-1]), float(np.std(curve)) + self._noise
        weights /= total
        ends = start + rise
        mean = float(weights @ ends)
        within = scale / degrees * (1 + posterior.spread)
        return mean, float(np.sqrt(max(0.0, float(weights @ (within + (ends - mean) ** 2)))))

    def _prepare(self, t: int) -> "_Posterior":
        """Return the covariance of start and rise for each shape, in units of the noise's variance."""
        seen = self._shapes[:, :t].astype(np.float64)
        prior = PRIOR_PRECISION * self._noise**2
        a00, a01, a11 = t + prior[0], seen.sum(axis=1), (seen**2).sum(axis=1) + prior[1]
        determinant = a00 * a11 - a01**2
        c00, c01, c11 = a11 / determinant, -a01 / determinant, a00 / determinant
        return _Posterior(c00, c01, c11, -np.log(determinant), c00 + 2 * c01 + c11)


@dataclass(frozen=True, slots=True, eq=False)
class _Posterior:
    """Of start and rise, for each shape, (n,)."""

    c00: np.ndarray
    """Variance of the start."""
    c01: np.ndarray
    """Covariance of start and rise."""
    c11: np.ndarray
    """Variance of the rise."""
    log_det: np.ndarray
    """Logarithm of the covariance's determinant."""
    spread: np.ndarray
    """Variance of the end, which is start + rise."""
