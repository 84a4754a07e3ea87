"""What is believed of trainings that were frozen on their way: where each would end, and what its next step would show.

Values are standardised, and more is better. Reference: `curve_process`; the equations are those of Swersky, Snoek, Adams 2014
(arXiv:1406.3896).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archsmith.curve_process import Hyperparameters, distances, evidence, typical_distance

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
SPREAD = (0.16, 0.84)
"""Half of the way between these quantiles is the standard deviation of a normal distribution."""


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
        there = np.isfinite(costs)
        known, first = np.where(there, costs, np.nan), int(there.any(axis=0).argmax())
        steps = known.copy()
        steps[:, first + 1 :] -= known[:, first:-1]
        medians = _medians(steps)
        mean = np.where(np.isnan(medians), 0.0, medians).cumsum()
        residuals = np.sort((known - mean)[there])
        low, high = (residuals[round(share * (len(residuals) - 1))] for share in SPREAD)
        return cls(mean, (high - low) / 2 or float(residuals.std()) or 1.0)

    def values(self, costs: np.ndarray) -> np.ndarray:
        """Return values: (n, n_times), NaN where nothing was measured; what has failed is as bad as the worst that has not."""
        found = (self.mean - costs) / self.deviation
        failed = np.isinf(found)
        if failed.any():
            found[failed] = np.nan
            found[failed] = np.nanmin(found)
        clipped: np.ndarray = np.minimum(np.maximum(found, FURTHEST[0]), FURTHEST[1])
        return clipped


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


class Learned:
    """What the model of curves goes by, and what follows from it for curves that were seen at the same times.

    Args:
        given: The hyperparameters.
        times: (n_times,): when curves are seen.
        unit: The distance between architectures that is 1.
    """

    def __init__(self, given: Hyperparameters, times: np.ndarray, unit: float) -> None:
        self.given, self.unit, self.n_times = given, unit, len(times)
        self._decay = given.over_times(times)
        self._noise = given.noise**2
        self._says: dict[int, tuple[np.ndarray, float]] = {}
        self._next: dict[tuple[int, int], Next] = {}

    def says(self, seen: int) -> tuple[np.ndarray, float]:
        """Return what a curve says of its asymptote: what its values are weighted with, (n_times,), and the precision.

        Args:
            seen: Its k-th binary digit says whether the curve was seen at the k-th time.
        """
        if (found := self._says.get(seen)) is None:
            at, weights = self._at(seen), np.zeros(self.n_times)
            weights[at] = np.linalg.solve(self._covariance(at), np.ones(len(at)))
            precision = float(weights.sum())
            found = self._says[seen] = weights / precision, precision
        return found

    def next(self, seen: int, at: int) -> "Next":
        """Return what a curve will show at a time, given its asymptote. Equations 20 and 21."""
        if (found := self._next.get((seen, at))) is None:
            before, gain = self._at(seen), np.zeros(self.n_times)
            gain[before] = np.linalg.solve(self._covariance(before), self._decay[before, at])
            rest = max(float(self._decay[at, at] - gain @ self._decay[at]), 0.0)
            found = self._next[seen, at] = Next(gain, 1 - float(gain.sum()), rest + self._noise)
        return found

    def over_architectures(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the covariance of the asymptotes of architectures: (len(a), len(b))."""
        return self.given.over_architectures(distances(a, b) / self.unit)

    def _covariance(self, at: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._decay[np.ix_(at, at)] + self._noise * np.eye(len(at))
        return found

    def _at(self, seen: int) -> np.ndarray:
        return np.array([k for k in range(self.n_times) if seen >> k & 1], dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class Next:
    """A value that a curve will show: `gain` times its values, `share` times its asymptote, and what else it depends on."""

    gain: np.ndarray
    """(n_times,), 0 where it was not seen."""
    share: float
    """How much the value moves with the asymptote."""
    variance: float
    """Of what else it depends on: the curve on its way, and noise."""


class Belief:
    """The process over asymptotes and curves, given what was measured.

    Args:
        learned: What the model goes by.
        values: (n, n_times): curves less their mean, 0 where nothing was measured.
        seen: At which times each was measured, at least one; see `Learned.says`.
        features: (n, n_features): their architectures.
    """

    def __init__(self, learned: Learned, values: np.ndarray, seen: Sequence[int], features: np.ndarray) -> None:
        self._learned, self._features = learned, features
        said = [learned.says(kind) for kind in seen]
        measured = np.einsum("ij,ij->i", np.array([weights for weights, _ in said]), values)
        kernel = learned.over_architectures(features, features)
        self._inverse = np.linalg.inv(kernel + np.diag([1 / precision for _, precision in said]))
        self._pulled = self._inverse @ measured
        explained = kernel @ self._inverse
        self.mean: np.ndarray = kernel @ self._pulled
        """(n,): of their asymptotes."""
        self.variance: np.ndarray = np.maximum(learned.given.end**2 - np.einsum("ij,ij->i", explained, kernel), 1e-9)
        """(n,)."""

    def marginal(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance of the asymptotes of other architectures: (m,) each. Equation 19."""
        across = self._learned.over_architectures(features, self._features)
        explained = np.einsum("ij,ij->i", across @ self._inverse, across)
        return across @ self._pulled, np.maximum(self._learned.given.end**2 - explained, 1e-9)

    def joint(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and covariance of the asymptotes of some architectures, measured ones or others: (m,) and (m, m)."""
        across = self._learned.over_architectures(features, self._features)
        own = self._learned.over_architectures(features, features)
        return across @ self._pulled, own - across @ self._inverse @ across.T


def _medians(columns: np.ndarray) -> np.ndarray:
    """Return the median of what is there of each column: (n, m) -> (m,), NaN where nothing is."""
    ordered, n, each = np.sort(columns, axis=0), (columns == columns).sum(axis=0), np.arange(columns.shape[1])
    found: np.ndarray = (ordered[np.maximum(n - 1, 0) // 2, each] + ordered[np.minimum(n // 2, len(columns) - 1), each]) / 2
    return np.where(n > 0, found, np.nan)
