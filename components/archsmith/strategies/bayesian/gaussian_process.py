"""A Gaussian process over architectures, with a kernel on their decisions.

References:
    - Rasmussen, Williams 2006, Gaussian Processes for Machine Learning: Algorithm 2.1 (posterior, evidence), equation 5.9
      (the evidence's gradient).
    - Hutter 2009, Automated Configuration of Algorithms, section 11.3, and Ru et al. 2020 (arXiv:1906.08878), equation 4:
      the kernel, the exponential of a weighted Hamming distance.
    - Hvarfner, Hellsten, Nardi 2024, Vanilla Bayesian Optimization Performs Great in High Dimensions (arXiv:2402.02229):
      the prior of the distances shrinks as the number of decisions grows.

The kernel is k(x, x') = s exp(-sum_d w_d [x_d != x'_d]): one weight a decision, the inverse of its lengthscale. A decision
that is not active has a category of its own. Where the choices of a decision have an order, [x_d != x'_d] becomes the
distance |x_d - x'_d| in places of that order, the longest one being 1. The prior of the weights is such that two
architectures without anything in common stay correlated, be there 6 decisions or 60: so a large space can be learned from a
few dozen trials.

Where this deviates: hyperparameters are the mode of their posterior and not of the evidence, found by a fixed number of
steps of Rprop (Riedmiller, Braun 1993, doi:10.1109/ICNN.1993.298623), which needs nothing but numpy.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STEPS = 25
"""Evaluations of the gradient in a fit: from the prior, they lead to within 0.001 of the best log posterior."""
WEIGHTS = (4.0, 1.0)
"""Prior of the sum of the weights where all are equal, and of each log weight the standard deviation."""
SIGNAL = (1.0, 1.0)
"""Prior of the signal's variance: median, and standard deviation of the logarithm. Targets are standardised."""
NOISE = (0.02, 1.0)
"""Prior of the noise's variance: median, and standard deviation of the logarithm."""


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What the kernel depends on, all of it positive."""

    weights: Array
    """w: how much correlation is lost where a decision differs, (n_decisions,)."""
    signal: float
    """s: variance of the function."""
    noise: float
    """Variance of a measurement."""

    def logarithms(self) -> Array:
        """Return the logarithm of each: weights, signal, noise."""
        return np.log([*self.weights, self.signal, self.noise])

    @classmethod
    def of_logarithms(cls, theta: Array) -> Self:
        """Read what `logarithms` wrote."""
        *weights, signal, noise = np.exp(theta).tolist()
        return cls(np.array(weights), signal, noise)

    @classmethod
    def prior(cls, n_decisions: int) -> Self:
        """Return the mode of the prior."""
        return cls(np.full(n_decisions, WEIGHTS[0] / n_decisions), SIGNAL[0], NOISE[0])


@dataclass(frozen=True, slots=True)
class GaussianProcess:
    """A Gaussian process that has seen some architectures. What was measured of them is told later, and may change.

    It goes from the first architectures to more in quadratic time each: the inverse of the Cholesky factor grows by rows.
    """

    hyper: Hyperparameters
    """What the kernel depends on."""
    columns: npt.NDArray[np.int64]
    """The decision that each column belongs to, (n_columns,)."""
    seen: Array
    """The architectures, as `Codes.vectors`, (n_seen, n_columns)."""
    inverse_factor: Array
    """L^-1, where L L^T is the covariance of the measurements; lower triangular, (n_seen, n_seen)."""

    @classmethod
    def of(cls, hyper: Hyperparameters, columns: npt.NDArray[np.int64], seen: Array) -> Self:
        """Make one at once."""
        covariance = kernel(hyper, columns, seen, seen) + hyper.noise * np.eye(len(seen))
        return cls(hyper, columns, seen, np.linalg.inv(np.linalg.cholesky(covariance)))

    def and_seen(self, rows: Array) -> "GaussianProcess":
        """Return the process that has seen `rows` too, as `Codes.vectors`, (n, n_columns)."""
        process = self
        for row in rows:  # one by one, so that the result is the same to the last bit however many come at once
            process = process._and_one(row)
        return process

    def predict(self, rows: Array, targets: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation of the function, without the noise of a measurement.

        Args:
            rows: Architectures, as `Codes.vectors`, (n, n_columns).
            targets: What was measured of those seen, (n_seen,), with mean 0.

        Returns:
            Two of (n,).

        Reference: Rasmussen 2006, Algorithm 2.1, lines 4 to 6.
        """
        cross = kernel(self.hyper, self.columns, rows, self.seen)
        mean = cross @ (self.inverse_factor.T @ (self.inverse_factor @ targets))
        explained = np.square(cross @ self.inverse_factor.T).sum(axis=1)
        return mean, np.sqrt(np.maximum(self.hyper.signal - explained, 1e-12))

    def _and_one(self, row: Array) -> "GaussianProcess":
        """Return the process that has seen another architecture too."""
        cross = kernel(self.hyper, self.columns, row[None], self.seen)[0]
        below = self.inverse_factor @ cross
        corner = 1 / math.sqrt(max(self.hyper.signal + self.hyper.noise - below @ below, 1e-12))
        n = len(self.seen)
        grown = np.zeros((n + 1, n + 1))
        grown[:n, :n] = self.inverse_factor
        grown[n, :n] = -corner * (below @ self.inverse_factor)
        grown[n, n] = corner
        return GaussianProcess(self.hyper, self.columns, np.vstack([self.seen, row]), grown)


def kernel(hyper: Hyperparameters, columns: npt.NDArray[np.int64], a: Array, b: Array) -> Array:
    """Return the covariance of each architecture of `a` with each of `b`: (n_a, n_b)."""
    in_common: Array = (a * hyper.weights[columns]) @ b.T
    in_common -= hyper.weights.sum()
    np.exp(in_common, out=in_common)
    in_common *= hyper.signal
    return in_common


def log_evidence(hyper: Hyperparameters, columns: npt.NDArray[np.int64], rows: Array, targets: Array) -> tuple[float, Array]:
    """Return the logarithm of the probability of the targets, and its gradient by the logarithms of the hyperparameters.

    Reference: Rasmussen 2006, Algorithm 2.1, line 7, and equation 5.9.
    """
    n = len(targets)
    signal = kernel(hyper, columns, rows, rows)
    factor = np.linalg.cholesky(signal + hyper.noise * np.eye(n))
    inverse_factor = np.linalg.inv(factor)
    inverse = inverse_factor.T @ inverse_factor
    alpha = inverse @ targets
    value = -0.5 * (targets @ alpha + n * math.log(2 * math.pi)) - np.log(factor.diagonal()).sum()
    by_covariance = 0.5 * (np.outer(alpha, alpha) - inverse)
    by_exponent = by_covariance * signal
    in_common = np.bincount(columns, ((by_exponent @ rows) * rows).sum(axis=0), len(hyper.weights))
    total = by_exponent.sum()
    return float(value), np.append((in_common - total) * hyper.weights, [total, hyper.noise * by_covariance.trace()])


def fit(columns: npt.NDArray[np.int64], rows: Array, targets: Array) -> Hyperparameters:
    """Return the likeliest hyperparameters after `STEPS` steps of Rprop from the mode of the prior.

    Args:
        columns: The decision that each column belongs to, (n_columns,).
        rows: Architectures, as `Codes.vectors`, (n, n_columns).
        targets: What was measured of them, (n,), standardised.
    """
    n_decisions = int(columns[-1]) + 1
    start = Hyperparameters.prior(n_decisions).logarithms()
    spread = np.array([*[WEIGHTS[1]] * n_decisions, SIGNAL[1], NOISE[1]])
    theta, step, before = start, np.full(len(start), 0.3), np.zeros(len(start))
    best, best_value = start, -math.inf
    for _ in range(STEPS):
        value, gradient = log_evidence(Hyperparameters.of_logarithms(theta), columns, rows, targets)
        value -= 0.5 * np.square((theta - start) / spread).sum()
        gradient -= (theta - start) / spread**2
        if value > best_value:
            best, best_value = theta, value
        step, before = _rprop(step, before, gradient)
        theta = theta + np.sign(before) * step
    return Hyperparameters.of_logarithms(best)


def _rprop(step: Array, before: Array, gradient: Array) -> tuple[Array, Array]:
    """Return each parameter's next step, and the gradient to follow: 0 where it has just changed its sign."""
    turned = before * gradient
    longer = np.where(turned > 0, 1.2, np.where(turned < 0, 0.5, 1.0))
    return np.clip(step * longer, 1e-3, 1.0), np.where(turned < 0, 0.0, gradient)
