"""What stands in for a measurement: a Gaussian process or an ensemble of networks for each number that trials are judged by.

Both are made from the trials alone, and are asked for many architectures at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from archsmith.spaces.space import Space
from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.strategies.bayesian.gaussian_process import NOISE, Array, GaussianProcess, likeliest
from archsmith.strategies.bayesian.layout import Layout
from archsmith.strategies.bayesian.predictors import Ensemble, trained
from archsmith.strategies.bayesian.scores import FURTHEST, ScoredCodes, Scores

MOST = 400
"""Trials that a process has seen when it is fitted; beyond, the better half and the latest half of so many."""
MOST_TO_FIT = 200
"""Trials that hyperparameters are fitted to, chosen alike: a fit takes cubic time and needs fewer than a prediction."""
GROWTH = (8, 2, 50)
"""A process is fitted again after 1/8 more trials, at least 2 and at most 50: in most calls it only grows."""
MEMBERS = 5
"""Networks of an ensemble; M in the paper."""
TRAINING_STEPS = 150
"""Steps of training, each on all trials."""


class Vectors(Protocol):
    """Says of architectures what a kernel compares: `Codes` or `ScoredCodes`."""

    @property
    def layout(self) -> Layout:
        """What the columns are."""
        ...

    def vectors(self, rows: Rows) -> Array:
        """Return (n, n_columns) of (n, n_decisions)."""
        ...


class Surrogate(Protocol):
    """Predicts the targets of architectures: goals first, then what is limited."""

    def predict(self, rows: Rows) -> tuple[Array, Array]:
        """Return mean and standard deviation of each target: two of (n, n_targets)."""
        ...

    @property
    def tells_scores(self) -> bool:
        """Whether scores make a difference to its predictions."""
        ...

    def glancing(self) -> "Surrogate":
        """Return the surrogate that predicts without the scores of what it is asked for."""
        ...

    def believing(self, row: Rows) -> "Surrogate":
        """Return the surrogate as if the architecture (1, n_decisions) had been measured, with what is predicted of it."""
        ...


@dataclass(frozen=True, slots=True)
class Processes:
    """A Gaussian process a target.

    It believes as the kriging believer does (Ginsbourger, Le Riche, Carraro 2010, doi:10.1007/978-3-642-10701-6_6,
    section 3.2): what is predicted stays, but it is sure of it, so there is less to gain in the neighbourhood.
    """

    codes: Vectors
    """Makes the vectors of rows."""
    processes: tuple[GaussianProcess, ...]
    """One a target, all of the same architectures."""
    targets: Array
    """What was measured of them: (n_seen, n_targets)."""

    def predict(self, rows: Rows) -> tuple[Array, Array]:
        """See `Surrogate.predict`."""
        hot = (self if self.tells_scores else self.glancing()).codes.vectors(rows)
        found = [process.predict(hot, values) for process, values in zip(self.processes, self.targets.T, strict=True)]
        return np.stack([mean for mean, _ in found], axis=1), np.stack([sd for _, sd in found], axis=1)

    @property
    def tells_scores(self) -> bool:
        """See `Surrogate.tells_scores`."""
        return any(process.hyper.all_parts for process in self.processes)

    def glancing(self) -> "Processes":
        """See `Surrogate.glancing`."""
        return replace(self, codes=replace(self.codes, unknown=True)) if isinstance(self.codes, ScoredCodes) else self

    def believing(self, row: Rows) -> "Processes":
        """See `Surrogate.believing`."""
        hot, (mean, _) = self.codes.vectors(row), self.predict(row)
        processes = tuple(process.and_seen(hot) for process in self.processes)
        return replace(self, processes=processes, targets=np.concatenate([self.targets, mean]))


class GrowingProcesses:
    """Processes that grow with the trials, and are fitted anew at certain numbers of them.

    It depends on the trials alone and not on when it was asked: a fit starts from the prior and not from the fit before,
    and growing by two trials at once or one after the other is the same.

    Args:
        codes: Makes the vectors of rows.
        targets: Makes targets, (n, n_targets), of the trials at some places.
        order: Returns the places of the first so many trials, the best first.
        noise: Median of the noise's variance before anything is known.
    """

    def __init__(
        self, codes: Vectors, targets: Callable[[Rows], Array], order: Callable[[int], Rows], noise: float = NOISE[0]
    ) -> None:
        self._codes = codes
        self._targets = targets
        self._order = order
        self._noise = noise
        self._processes: tuple[GaussianProcess, ...] = ()
        self._places = np.zeros(0, dtype=np.int64)
        self._fitted, self._n = 0, 0

    def of(self, rows: Sequence[Rows]) -> tuple[Processes, Rows]:
        """Return the processes of trials with these codes, at least one, and the places of those that they have seen."""
        if (at := last_fit(len(rows))) != self._fitted or len(rows) < self._n:
            self._fit(rows, at)
        if new := rows[self._n :]:
            hot = self._codes.vectors(np.array(new))
            self._processes = tuple(process.and_seen(hot) for process in self._processes)
            self._places = np.concatenate([self._places, np.arange(self._n, len(rows))])
            self._n = len(rows)
        return Processes(self._codes, self._processes, self._targets(self._places)), self._places

    def _fit(self, rows: Sequence[Rows], n: int) -> None:
        """Make the processes of the first `n` trials."""
        order, layout = self._order(n), self._codes.layout
        few, self._places = chosen(order, MOST_TO_FIT), chosen(order, MOST)
        hot = self._codes.vectors(np.array(rows[:n]))
        fits = [likeliest(layout, hot[few], values, self._noise) for values in self._targets(few).T]
        self._processes = tuple(GaussianProcess.of(hyper, layout, hot[self._places]) for hyper in fits)
        self._fitted = self._n = n


def last_fit(n: int) -> int:
    """Return the number of trials, at most `n` >= 1, at which the hyperparameters that hold for `n` are fitted."""
    share, least, most = GROWTH
    at = 1
    while (following := at + min(max(at // share, least), most)) <= n:
        at = following
    return at


def chosen(order: Rows, most: int) -> Rows:
    """Return at most `most` places, in ascending order: the latest ones, and as many of the best of the rest.

    Args:
        order: All places, from 0, the best first.
        most: An even number.
    """
    n = len(order)
    if n <= most:
        return np.arange(n)
    latest = n - most // 2
    return np.sort(np.concatenate([order[order < latest][: most // 2], np.arange(latest, n)]))


@dataclass(frozen=True, slots=True)
class Networks:
    """An ensemble of networks that predicts all targets, from the features of the space.

    It believes nothing: a batch differs as each of its proposals is the best of another sample.
    """

    features: "Features"
    """Makes features of architectures."""
    ensemble: Ensemble
    """The trained networks."""

    @classmethod
    def of(cls, features: "Features", rows: Rows, targets: Array, rng: np.random.Generator) -> "Networks":
        """Train an ensemble."""
        seen = features(rows)
        untrained = Ensemble.untrained(MEMBERS, seen.shape[1], targets.shape[1], rng)
        return cls(features, trained(untrained, seen, targets, TRAINING_STEPS))

    def predict(self, rows: Rows) -> tuple[Array, Array]:
        """See `Surrogate.predict`."""
        return self.ensemble.predict(self.features(rows))

    @property
    def tells_scores(self) -> bool:
        """See `Surrogate.tells_scores`."""
        return self.features.scores is not None

    def glancing(self) -> "Networks":
        """See `Surrogate.glancing`."""
        return replace(self, features=replace(self.features, unknown=True))

    def believing(self, row: Rows) -> "Networks":  # noqa: ARG002 -- the interface's
        """See `Surrogate.believing`."""
        return self


@dataclass(frozen=True, slots=True)
class Features:
    """What a space says of its architectures, and the places of their scores behind it."""

    codes: Codes
    """Makes architectures of rows."""
    space: Space
    """Makes features of architectures."""
    scores: Scores | None = None
    """What is known beside; None where that is nothing."""
    unknown: bool = False
    """Whether the scores are left out, as if there were none."""

    def __call__(self, rows: Rows) -> Array:
        """Return features, (n, n_features)."""
        own = np.array([self.space.features(self.codes.decode(row)) for row in rows])
        if self.scores is None:
            return own
        # Where there is no score, the middle of all says least.
        beside = np.zeros((len(rows), len(self.scores.names))) if self.unknown else FURTHEST * self.scores.of(rows)
        return np.concatenate([own, np.nan_to_num(beside, nan=0.0)], axis=1)
