"""A Gaussian process over learning curves: what each comes to, and how it gets there. Pure numpy.

The asymptotes of the curves are a Gaussian process over the architectures. Each curve falls away from its own asymptote by a
process whose covariance dies out with time, the exponential-decay kernel k(t, t') = beta^alpha / (t + t' + beta)^alpha: a mixture
of exponential decays. Given its asymptote a curve is independent of all others, so that thousands of values cost no more than
one small matrix for each set of times at which curves were seen, and one with a row for each curve.

Reference: Swersky, Snoek, Adams 2014, Freeze-Thaw Bayesian Optimization (arXiv:1406.3896), equations 10 to 21.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Those of the kernels."""

    alpha: float
    """Shape of the decays' distribution."""
    beta: float
    """Its scale, in units of time."""
    decay: float
    """Standard deviation of the decaying part at its largest."""
    noise: float
    """Standard deviation of a value around its curve."""
    end: float
    """Standard deviation of the asymptotes."""
    length: float
    """Length scale over architectures, in units of their typical distance."""

    def over_times(self, times: np.ndarray) -> np.ndarray:
        """Return the covariance of a curve around its asymptote, without noise: (n_times, n_times). Equation 10."""
        kernel: np.ndarray = self.decay**2 * (self.beta / (times[:, None] + times[None, :] + self.beta)) ** self.alpha
        return kernel

    def over_architectures(self, apart: np.ndarray) -> np.ndarray:
        """Return the covariance of asymptotes, from distances of architectures: half of it is an architecture's own."""
        similar: np.ndarray = np.exp(-apart / self.length)
        return self.end**2 * (0.5 * similar + 0.5 * (apart < 1e-12))


@dataclass(frozen=True, eq=False, slots=True)
class Asymptotes:
    """What each curve says of its own asymptote: as much as a measurement of it would, with this precision."""

    precision: np.ndarray
    """(n,): Lambda in the paper."""
    weighted: np.ndarray
    """(n,): gamma in the paper, precision times value."""
    log_density: float
    """Of all curves around the asymptotes that fit them best, less a constant."""

    @property
    def values(self) -> np.ndarray:
        """What a measurement would have shown, (n,)."""
        found: np.ndarray = self.weighted / self.precision
        return found


def asymptotes(given: Hyperparameters, residuals: np.ndarray, times: np.ndarray) -> Asymptotes:
    """Return what curves say of their asymptotes.

    Args:
        given: The hyperparameters.
        residuals: (n, n_times): the curves less their mean, NaN where one was not seen; each was seen at least once.
        times: (n_times,), positive.
    """
    covariance = given.over_times(times) + given.noise**2 * np.eye(len(times))
    precision, weighted, log_density = np.empty(len(residuals)), np.empty(len(residuals)), 0.0
    for at, rows in _alike(np.isfinite(residuals)):
        factor = np.linalg.cholesky(covariance[np.ix_(at, at)])
        seen = residuals[np.ix_(rows, at)]
        whitened = np.linalg.solve(factor, np.column_stack([np.ones(len(at)), seen.T]))
        ones, curves = whitened[:, 0], whitened[:, 1:]
        precision[rows], weighted[rows] = ones @ ones, ones @ curves
        log_density -= 0.5 * float(np.sum(curves**2)) + len(rows) * float(np.sum(np.log(np.diag(factor))))
    return Asymptotes(precision, weighted, log_density + 0.5 * float(np.sum(weighted**2 / precision)))


def evidence(given: Hyperparameters, residuals: np.ndarray, apart: np.ndarray, times: np.ndarray | None = None) -> float:
    """Return the logarithm of the marginal likelihood of curves, less a constant. Equation 15.

    Args:
        given: The hyperparameters.
        residuals: (n, n_times), as in `asymptotes`.
        apart: (n, n): distances of their architectures.
        times: (n_times,); 1, 2, 3, ... where left out.
    """
    found = asymptotes(given, residuals, np.arange(1.0, residuals.shape[1] + 1) if times is None else times)
    lower = np.linalg.cholesky(given.over_architectures(apart) + np.diag(1 / found.precision))
    across = np.linalg.solve(lower, found.values)
    log_density = -0.5 * float(across @ across) - float(np.sum(np.log(np.diag(lower))))
    return found.log_density - 0.5 * float(np.sum(np.log(found.precision))) + log_density


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Euclidean distances, (len(a), len(b))."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
    return np.sqrt(np.where(squares < 1e-9, 0.0, squares))


def typical_distance(features: np.ndarray) -> float:
    """Return the median distance between different architectures; 1 where all are the same."""
    found = distances(features, features)
    apart = found[found > 0]
    return float(np.median(apart)) if len(apart) else 1.0


def _alike(seen: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the times at which some curves were seen, and the rows of these."""
    kinds, kind_of = np.unique(seen, axis=0, return_inverse=True)
    for k, kind in enumerate(kinds):
        yield np.flatnonzero(kind), np.flatnonzero(kind_of.ravel() == k)
