"""A Gaussian process over learning curves: what each comes to, and how it gets there.

The values at the end are a Gaussian process over the architectures. Each curve falls away from its own end by a process whose
covariance dies out with the epochs, the exponential-decay kernel k(t, t') = beta^alpha / (t + t' + beta)^alpha: a mixture of
exponential decays. The mean is that of the curves before, epoch by epoch.

Reference: Swersky, Snoek, Adams 2014, Freeze-Thaw Bayesian Optimization (arXiv:1406.3896), equations 10 to 21. The
hyperparameters are the most probable ones, where the paper samples them; the mean is not a constant, so that a schedule of the
learning rate that lifts all curves at the end is not news in each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archsmith.evaluation.stopping.conformal import ConformalStopper
from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.stopper import PredictingConfig

START = np.log([1.0, 1.0, 0.2, 0.05, 0.2, 1.0])
"""Logarithms of alpha, beta, and the standard deviations of decay, noise and ends, and the length scale over architectures."""
WIDTH = np.array([0.7, 1.0, 1.0, 1.0, 0.7, 0.7])
"""Standard deviations of their priors, log-normal."""


class FreezeThawConfig(PredictingConfig):
    """A Gaussian process over curves and architectures, with a kernel of exponential decays (Swersky 2014)."""

    def build(self) -> ConformalStopper:
        """Make the stopper."""
        return ConformalStopper(FreezeThaw(), self.chance)


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Those of the kernels."""

    alpha: float
    """Shape of the decays' distribution."""
    beta: float
    """Its scale, in epochs."""
    decay: float
    """Standard deviation of the decaying part at its largest."""
    noise: float
    """Standard deviation of an epoch's value around its curve."""
    end: float
    """Standard deviation of the ends."""
    length: float
    """Length scale over architectures, in units of their typical distance."""

    def over_epochs(self, horizon: int) -> np.ndarray:
        """Return the covariance of a curve around its asymptote, without noise: (horizon, horizon). Equation 10."""
        t = np.arange(1.0, horizon + 1)
        kernel: np.ndarray = self.decay**2 * (self.beta / (t[:, None] + t[None, :] + self.beta)) ** self.alpha
        return kernel

    def over_architectures(self, distances: np.ndarray) -> np.ndarray:
        """Return the covariance of asymptotes, from distances of architectures: half of it is an architecture's own."""
        similar: np.ndarray = np.exp(-distances / self.length)
        return self.end**2 * (0.5 * similar + 0.5 * (distances < 1e-12))


@dataclass(frozen=True, slots=True)
class FreezeThaw:
    """The model."""

    def learn(self, curves: Curves, looks: Sequence[int]) -> "Thawed":
        """Find the hyperparameters, and condition the ends on all curves."""
        from scipy.optimize import minimize

        del looks
        mean = _mean(curves.values)
        residuals = curves.values - mean
        unit = typical_distance(curves.features)
        distances = _distances(curves.features, curves.features) / unit

        def loss(logs: np.ndarray) -> float:
            penalty = 0.5 * float(np.sum(((logs - START) / WIDTH) ** 2))
            return penalty - evidence(Hyperparameters(*np.exp(logs)), residuals, distances)

        bounds = list(zip(START - 3 * WIDTH, START + 3 * WIDTH, strict=True))
        found = minimize(loss, START, method="L-BFGS-B", bounds=bounds, options={"maxiter": 15})
        return Thawed(Hyperparameters(*np.exp(found.x)), mean, residuals, curves.features, unit)


class Thawed:
    """Hyperparameters and the asymptotes of the curves before.

    Args:
        given: The hyperparameters.
        mean: (horizon,): of the curves before.
        residuals: (n, horizon): the curves before, less that.
        features: (n, n_features): their architectures.
        unit: The distance between architectures that is 1.
    """

    def __init__(
        self, given: Hyperparameters, mean: np.ndarray, residuals: np.ndarray, features: np.ndarray, unit: float
    ) -> None:
        self._given, self._mean, self._features, self._unit = given, mean, features, unit
        self._decay = given.over_epochs(len(mean))
        precision, weighted = _asymptotes(given, residuals, self._decay)
        kernel = given.over_architectures(_distances(features, features) / unit)
        self._inverse = np.linalg.inv(kernel + np.eye(len(kernel)) / precision)
        self._pulled = self._inverse @ (weighted / precision)

    def ends(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict the ends; see `Extrapolator.ends`. Equations 19 to 21."""
        across = self._given.over_architectures(_distances(features, self._features) / self._unit)
        mean = across @ self._pulled
        variance = np.maximum(self._given.end**2 - np.einsum("ij,jk,ik->i", across, self._inverse, across), 1e-8)
        t, last = values.shape[1], len(self._mean) - 1
        noise = self._given.noise**2
        solved = np.linalg.inv(self._decay[:t, :t] + noise * np.eye(t))
        ones = solved.sum(axis=1)
        residuals = values - self._mean[:t]
        posterior = 1 / (1 / variance + ones.sum())
        asymptote = posterior * (mean / variance + residuals @ ones)
        gain = self._decay[last, :t] @ solved
        rest = 1 - gain.sum()
        expected = self._mean[last] + rest * asymptote + residuals @ gain
        spread = rest**2 * posterior + max(self._decay[last, last] - gain @ self._decay[:t, last], 0.0) + noise
        return expected, np.sqrt(spread)


def evidence(given: Hyperparameters, residuals: np.ndarray, distances: np.ndarray) -> float:
    """Return the logarithm of the marginal likelihood of curves, (n, horizon), less a constant. Equation 15."""
    n, horizon = residuals.shape
    covariance = given.over_epochs(horizon) + given.noise**2 * np.eye(horizon)
    factor = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(factor, residuals.T)
    ones = np.linalg.solve(factor, np.ones(horizon))
    precision = float(ones @ ones)
    ends = (ones @ whitened) / precision
    within = (
        -0.5 * float(np.sum(whitened**2)) + 0.5 * precision * float(np.sum(ends**2)) - n * float(np.sum(np.log(np.diag(factor))))
    )
    kernel = given.over_architectures(distances) + np.eye(n) / precision
    lower = np.linalg.cholesky(kernel)
    across = np.linalg.solve(lower, ends)
    return float(
        within - 0.5 * n * float(np.log(precision)) - 0.5 * float(across @ across) - float(np.sum(np.log(np.diag(lower))))
    )


def typical_distance(features: np.ndarray) -> float:
    """Return the median distance between different architectures; 1 where all are the same."""
    distances = _distances(features, features)
    apart = distances[distances > 0]
    return float(np.median(apart)) if len(apart) else 1.0


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean curve: the median of the ends, and from there back by the median rise of each epoch to the end."""
    end = np.median(values[:, -1])
    mean: np.ndarray = end - np.median(values[:, -1:] - values, axis=0)
    return mean


def _asymptotes(given: Hyperparameters, residuals: np.ndarray, decay: np.ndarray) -> tuple[float, np.ndarray]:
    """Return what whole curves say of their asymptotes: a precision, and (n,) precision times value. Lambda and gamma there."""
    solved = np.linalg.inv(decay + given.noise**2 * np.eye(len(decay))).sum(axis=1)
    return float(solved.sum()), residuals @ solved


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Euclidean distances, (len(a), len(b))."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
    return np.sqrt(np.where(squares < 1e-9, 0.0, squares))
