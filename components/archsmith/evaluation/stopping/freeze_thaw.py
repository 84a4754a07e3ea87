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

from archsmith.curve_process import Hyperparameters, asymptotes, distances, evidence, typical_distance
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
class FreezeThaw:
    """The model."""

    def learn(self, curves: Curves, looks: Sequence[int]) -> "Thawed":
        """Find the hyperparameters, and condition the ends on all curves."""
        from scipy.optimize import minimize

        del looks
        mean = _mean(curves.values)
        residuals = curves.values - mean
        unit = typical_distance(curves.features)
        apart = distances(curves.features, curves.features) / unit

        def loss(logs: np.ndarray) -> float:
            penalty = 0.5 * float(np.sum(((logs - START) / WIDTH) ** 2))
            return penalty - evidence(Hyperparameters(*np.exp(logs)), residuals, apart)

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
        epochs = np.arange(1.0, len(mean) + 1)
        self._decay = given.over_times(epochs)
        found = asymptotes(given, residuals, epochs)
        kernel = given.over_architectures(distances(features, features) / unit)
        self._inverse = np.linalg.inv(kernel + np.diag(1 / found.precision))
        self._pulled = self._inverse @ found.values

    def ends(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict the ends; see `Extrapolator.ends`. Equations 19 to 21."""
        across = self._given.over_architectures(distances(features, self._features) / self._unit)
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


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean curve: the median of the ends, and from there back by the median rise of each epoch to the end."""
    end = np.median(values[:, -1])
    mean: np.ndarray = end - np.median(values[:, -1:] - values, axis=0)
    return mean
