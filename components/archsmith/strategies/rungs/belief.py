"""What is believed of trainings that were frozen on their way: where each would end, and what its next step would show.

Values are standardised, and more is better. Reference: `curve_process`; the equations are those of Swersky, Snoek, Adams 2014
(arXiv:1406.3896).
"""

from dataclasses import dataclass

import numpy as np

from archsmith.curve_process import Hyperparameters, asymptotes, distances, evidence, typical_distance

PRIOR = np.log([1.0, 1.0, 0.7, 0.2, 0.7, 1.0])
"""Logarithms of alpha, beta, and the standard deviations of decay, noise and asymptotes, and the length scale."""
WIDTH = np.array([0.7, 1.0, 1.0, 1.0, 0.7, 0.7])
"""Standard deviations of their priors, log-normal."""
TRIED = (24, 16, 16)
"""Hyperparameters that are tried: drawn from the prior, and then around the best ones, half as far each time."""
CURVES = 40
"""Curves that these are judged by, the longest ones."""
FURTHEST = (-4.0, 6.0)
"""How far a value may lie from the others, in standard deviations: what has diverged is bad, and need not be told apart."""
NORMAL = 1.4826
"""Standard deviation of a normal distribution over the median distance from its middle."""


@dataclass(frozen=True, eq=False)
class Scale:
    """How costs become values: less the mean curve, so that a rise that all of them have is not news in each."""

    mean: np.ndarray
    """(n_times,): the median of the first costs, and from there on by the median change from each time to the next."""
    deviation: float
    """Of costs around it."""

    @classmethod
    def of(cls, costs: np.ndarray) -> "Scale":
        """Find it for costs, (n, n_times); of what has failed, they are infinite. At least one is finite."""
        known = np.where(np.isfinite(costs), costs, np.nan)
        there = np.isfinite(known).any(axis=0)
        first = int(there.argmax())
        mean = np.full(known.shape[1], float(np.nanmedian(known[:, first])))
        for k in range(first + 1, len(mean)):
            change = known[:, k] - known[:, k - 1]
            change = change[np.isfinite(change)]
            mean[k] = mean[k - 1] + (float(np.median(change)) if len(change) else 0.0)
        residuals = (known - mean)[np.isfinite(known)]
        robust = NORMAL * float(np.median(np.abs(residuals - np.median(residuals))))
        return cls(mean, robust or float(residuals.std()) or 1.0)

    def values(self, costs: np.ndarray) -> np.ndarray:
        """Return values: (n, n_times), NaN where nothing was measured; what has failed is as bad as the worst that has not."""
        found = (self.mean - np.where(np.isinf(costs), np.nan, costs)) / self.deviation
        worst = np.nanmin(found)
        return np.clip(np.where(np.isinf(costs), worst, found), *FURTHEST)

    def cost(self, value: float, at: int) -> float:
        """Return the cost that a value stands for."""
        return float(self.mean[at] - value * self.deviation)


def fitted(values: np.ndarray, features: np.ndarray, times: np.ndarray) -> Hyperparameters:
    """Return the most probable of some hyperparameters, always the same ones for the same curves."""
    longest = np.argsort(-np.isfinite(values).sum(axis=1), kind="stable")[:CURVES]
    values, features = values[longest], features[longest]
    apart, rng = distances(features, features) / typical_distance(features), np.random.default_rng(0)

    def posterior(logs: np.ndarray) -> float:
        return evidence(Hyperparameters(*np.exp(logs)), values, apart, times) - 0.5 * float(np.sum(((logs - PRIOR) / WIDTH) ** 2))

    best, of_best = PRIOR, posterior(PRIOR)
    for k, n in enumerate(TRIED):
        tried = best + WIDTH * 0.5**k * rng.standard_normal((n, len(PRIOR)))
        found = [posterior(logs) for logs in tried]
        if max(found) > of_best:
            best, of_best = tried[int(np.argmax(found))], max(found)
    return Hyperparameters(*np.exp(best))


class Belief:
    """The process over asymptotes and curves, given what was measured.

    Args:
        given: The hyperparameters.
        values: (n, n_times): curves less their mean, NaN where nothing was measured; each has a value.
        features: (n, n_features): their architectures.
        times: (n_times,).
        unit: The distance between architectures that is 1.
    """

    def __init__(self, given: Hyperparameters, values: np.ndarray, features: np.ndarray, times: np.ndarray, unit: float) -> None:
        self._given, self._values, self._features, self._unit = given, values, features, unit
        self._decay = given.over_times(times)
        found = asymptotes(given, values, times)
        kernel = given.over_architectures(distances(features, features) / unit) + np.diag(1 / found.precision)
        self._inverse = np.linalg.inv(np.linalg.cholesky(kernel))
        self._pulled = self._inverse.T @ (self._inverse @ found.values)

    def marginal(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance of the asymptotes of some architectures, measured ones or others: (m,) each. Equation 19."""
        across = self._across(features)
        spread = (across @ self._inverse.T) ** 2
        return across @ self._pulled, np.maximum(self._given.end**2 - spread.sum(axis=1), 1e-9)

    def joint(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and covariance of the asymptotes of some architectures: (m,) and (m, m)."""
        across = self._across(features)
        solved = across @ self._inverse.T
        own = self._given.over_architectures(distances(features, features) / self._unit)
        return across @ self._pulled, own - solved @ solved.T

    def next_value(self, row: int | None, at: int) -> "Next":
        """Return what a curve will show at a time, given its asymptote: of a row, or of a new one. Equations 20 and 21."""
        noise, own = self._given.noise**2, float(self._decay[at, at])
        if row is None:
            return Next(0.0, 1.0, own + noise)
        seen = np.flatnonzero(np.isfinite(self._values[row]))
        gain = np.linalg.solve(self._decay[np.ix_(seen, seen)] + noise * np.eye(len(seen)), self._decay[seen, at])
        rest = max(own - float(gain @ self._decay[seen, at]), 0.0)
        return Next(float(gain @ self._values[row, seen]), 1 - float(gain.sum()), rest + noise)

    def _across(self, features: np.ndarray) -> np.ndarray:
        return self._given.over_architectures(distances(features, self._features) / self._unit)


@dataclass(frozen=True, slots=True)
class Next:
    """A value that a curve will show: `base` and `share` times its asymptote, and what else it depends on."""

    base: float
    share: float
    variance: float

    def mean(self, asymptote: float) -> float:
        """Return what is expected, given what is expected of the asymptote."""
        return self.base + self.share * asymptote
