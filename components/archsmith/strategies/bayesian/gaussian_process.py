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

What else is known of an architecture, such as a score of its untrained network, may have a part of its own: the kernel is then
a sum, k(x, x') = s_0 exp(-sum_d w_d [x_d != x'_d]) + sum_j s_j exp(-v_j |z_j - z'_j|), so that two architectures without a choice
in common can still be alike in that, and a part that tells nothing is left with no variance.

Where this deviates: hyperparameters are the mode of their posterior and not of the evidence, found by a fixed number of
steps of Rprop (Riedmiller, Braun 1993, doi:10.1109/ICNN.1993.298623), which needs nothing but numpy.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from archsmith.strategies.bayesian.layout import Layout

Array = npt.NDArray[np.float64]

STEPS = 25
"""Evaluations of the gradient in a fit: from the prior, they lead to within 0.001 of the best log posterior."""
WEIGHTS = (4.0, 1.0)
"""Prior of the sum of the weights where all are equal, and of each log weight the standard deviation."""
SIGNAL = (1.0, 1.0)
"""Prior of the signal's variance: median, and standard deviation of the logarithm. Targets are standardised."""
BESIDE = (3.0, 1.0)
"""Medians of the priors of other parts: of the weight, and of the variances of all of them together."""
SUBSTANTIAL = math.log(3)
"""The Bayes factor, as its logarithm, from which on evidence is called substantial (Jeffreys 1961, appendix B)."""
MANY = 20
"""Trials from which on that much is asked for, and proportionally less of fewer. The first are random, and hardly mislead; those
that a search has found have much in common, and a part that tells nothing often fits these by chance."""
NOISE = (0.02, 1.0)
"""Prior of the noise's variance: median, and standard deviation of the logarithm."""


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What the kernel depends on, all of it positive."""

    weights: Array
    """w, and v behind them: how much correlation is lost where a decision differs, or a number as far as it may, (n_weights,)."""
    signals: Array
    """s: the variance of each part of the function, (n_parts,)."""
    noise: float
    """Variance of a measurement."""

    @property
    def all_parts(self) -> bool:
        """Whether parts other than the first one have any variance."""
        return bool(self.signals[1:].any())

    def without_variance_beside(self, whole: "Hyperparameters") -> "Hyperparameters":
        """Return these for the parts of `whole`, of which all but the first one have no variance."""
        weights = np.append(self.weights, whole.weights[len(self.weights) :])
        return Hyperparameters(weights, np.append(self.signals, np.zeros(len(whole.signals) - 1)), self.noise)

    def logarithms(self) -> Array:
        """Return the logarithm of each: weights, signals, noise."""
        return np.log([*self.weights, *self.signals, self.noise])

    @classmethod
    def of_logarithms(cls, theta: Array, n_parts: int = 1) -> Self:
        """Read what `logarithms` wrote."""
        values = np.exp(theta)
        return cls(values[: -n_parts - 1], values[-n_parts - 1 : -1], float(values[-1]))

    @classmethod
    def prior(cls, layout: Layout, noise: float = NOISE[0]) -> Self:
        """Return the mode of the prior."""
        (n, *others), n_others = layout.sizes, len(layout.sizes) - 1
        weights = np.append(np.full(n, WEIGHTS[0] / n), np.full(sum(others), BESIDE[0]))
        return cls(weights, np.append(SIGNAL[0], np.full(n_others, BESIDE[1] / max(1, n_others))), noise)


@dataclass(frozen=True, slots=True)
class GaussianProcess:
    """A Gaussian process that has seen some architectures. What was measured of them is told later, and may change.

    It goes from the first architectures to more in quadratic time each: the inverse of the Cholesky factor grows by rows.
    """

    hyper: Hyperparameters
    """What the kernel depends on."""
    layout: Layout
    """What the columns are."""
    seen: Array
    """The architectures, as `Codes.vectors`, (n_seen, n_columns)."""
    inverse_factor: Array
    """L^-1, where L L^T is the covariance of the measurements; lower triangular, (n_seen, n_seen)."""

    @classmethod
    def of(cls, hyper: Hyperparameters, layout: Layout, seen: Array) -> Self:
        """Make one at once."""
        covariance = sum(_among(hyper, layout, seen), hyper.noise * np.eye(len(seen)))
        return cls(hyper, layout, seen, np.linalg.inv(np.linalg.cholesky(covariance)))

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
        cross = kernel(self.hyper, self.layout, rows, self.seen)
        mean = cross @ (self.inverse_factor.T @ (self.inverse_factor @ targets))
        explained = np.square(cross @ self.inverse_factor.T).sum(axis=1)
        return mean, np.sqrt(np.maximum(self.hyper.signals.sum() - explained, 1e-12))

    def _and_one(self, row: Array) -> "GaussianProcess":
        """Return the process that has seen another architecture too."""
        cross = kernel(self.hyper, self.layout, row[None], self.seen)[0]
        below = self.inverse_factor @ cross
        corner = 1 / math.sqrt(max(self.hyper.signals.sum() + self.hyper.noise - below @ below, 1e-12))
        n = len(self.seen)
        grown = np.zeros((n + 1, n + 1))
        grown[:n, :n] = self.inverse_factor
        grown[n, :n] = -corner * (below @ self.inverse_factor)
        grown[n, n] = corner
        return GaussianProcess(self.hyper, self.layout, np.vstack([self.seen, row]), grown)


def kernel(hyper: Hyperparameters, layout: Layout, a: Array, b: Array) -> Array:
    """Return the covariance of each architecture of `a` with each of `b`: (n_a, n_b)."""
    first, *others = _parts(hyper, layout, a, b)
    for part in others:
        first += part
    return first


def _parts(hyper: Hyperparameters, layout: Layout, a: Array, b: Array) -> Iterator[Array]:
    """Yield the parts of the covariance, (n_a, n_b) each."""
    for (columns, weights), signal in zip(layout.parts, hyper.signals.tolist(), strict=True):
        in_common: Array = (a[:, columns] * hyper.weights[layout.weights[columns]]) @ b[:, columns].T
        in_common -= hyper.weights[weights].sum()
        np.exp(in_common, out=in_common)
        in_common *= signal
        yield in_common


def _among(hyper: Hyperparameters, layout: Layout, rows: Array) -> Iterator[Array]:
    """Yield the parts of the covariance of architectures with each other, (n, n) each.

    Each has its full variance, also one without a score, of which its row has nothing in common even with itself.
    """
    for part, signal in zip(_parts(hyper, layout, rows, rows), hyper.signals.tolist(), strict=True):
        np.fill_diagonal(part, signal)
        yield part


def log_evidence(hyper: Hyperparameters, layout: Layout, rows: Array, targets: Array) -> tuple[float, Array]:
    """Return the logarithm of the probability of the targets, and its gradient by the logarithms of the hyperparameters.

    Reference: Rasmussen 2006, Algorithm 2.1, line 7, and equation 5.9.
    """
    n = len(targets)
    parts = list(_among(hyper, layout, rows))
    factor = np.linalg.cholesky(sum(parts[1:], parts[0]) + hyper.noise * np.eye(n))
    inverse_factor = np.linalg.inv(factor)
    inverse = inverse_factor.T @ inverse_factor
    alpha = inverse @ targets
    value = -0.5 * (targets @ alpha + n * math.log(2 * math.pi)) - np.log(factor.diagonal()).sum()
    by_covariance = 0.5 * (np.outer(alpha, alpha) - inverse)
    by_exponents = [by_covariance * part for part in parts]
    totals = [by_exponent.sum() for by_exponent in by_exponents]
    for by_exponent in by_exponents:
        np.fill_diagonal(by_exponent, 0.0)  # where the exponent is 0, whatever the weights are
    by_weight = np.concatenate([
        _by_weight(by_exponent, rows[:, columns], layout.weights[columns] - weights.start, weights.stop - weights.start)
        - by_exponent.sum()
        for by_exponent, (columns, weights) in zip(by_exponents, layout.parts, strict=True)
    ])  # fmt: skip
    return float(value), np.concatenate([by_weight * hyper.weights, totals, [hyper.noise * by_covariance.trace()]])


def _by_weight(by_exponent: Array, rows: Array, weights: npt.NDArray[np.int64], n: int) -> Array:
    """Return the gradient by each weight of a part, less what is the same for all of them: (n,)."""
    return np.asarray(np.bincount(weights, ((by_exponent @ rows) * rows).sum(axis=0), n), dtype=np.float64)


def fit(layout: Layout, rows: Array, targets: Array, noise: float = NOISE[0]) -> Hyperparameters:
    """Return the likeliest hyperparameters after `STEPS` steps of Rprop from the mode of the prior.

    Args:
        layout: What the columns are.
        rows: Architectures, as `Codes.vectors`, (n, n_columns).
        targets: What was measured of them, (n,), standardised.
        noise: Median of the noise's variance before anything is known.
    """
    n_parts = len(layout.sizes)
    start = Hyperparameters.prior(layout, noise).logarithms()
    spread = np.array([*[WEIGHTS[1]] * layout.n_weights, *[SIGNAL[1]] * n_parts, NOISE[1]])
    theta, step, before = start, np.full(len(start), 0.3), np.zeros(len(start))
    best, best_value = start, -math.inf
    for _ in range(STEPS):
        value, gradient = log_evidence(Hyperparameters.of_logarithms(theta, n_parts), layout, rows, targets)
        value -= 0.5 * np.square((theta - start) / spread).sum()
        gradient -= (theta - start) / spread**2
        if value > best_value:
            best, best_value = theta, value
        step, before = _rprop(step, before, gradient)
        theta = theta + np.sign(before) * step
    return Hyperparameters.of_logarithms(best, n_parts)


def likeliest(layout: Layout, rows: Array, targets: Array, noise: float = NOISE[0]) -> Hyperparameters:
    """Return a fit of all parts where the targets are substantially likelier by it, else of the first one alone; see `fit`.

    A part that tells nothing may fit a few trials by chance, and mislead. Parts that are left out have no variance.
    """
    first = layout.parts[0][0]
    alone = fit(layout.first, rows[:, first], targets, noise)
    if len(layout.sizes) == 1:
        return alone
    whole = fit(layout, rows, targets, noise)
    factor = log_evidence(whole, layout, rows, targets)[0] - log_evidence(alone, layout.first, rows[:, first], targets)[0]
    return whole if factor > SUBSTANTIAL * min(1.0, len(targets) / MANY) else alone.without_variance_beside(whole)


def _rprop(step: Array, before: Array, gradient: Array) -> tuple[Array, Array]:
    """Return each parameter's next step, and the gradient to follow: 0 where it has just changed its sign."""
    turned = before * gradient
    longer = np.where(turned > 0, 1.2, np.where(turned < 0, 0.5, 1.0))
    return np.clip(step * longer, 1e-3, 1.0), np.where(turned < 0, 0.0, gradient)
