"""The hyperparameters of a search's curves, found anew when it has twice as many trials."""

from collections.abc import Callable
from operator import is_

import numpy as np

from archsmith.curve_process import Hyperparameters, typical_distance
from archsmith.strategies.rungs.belief import CURVES, PRIOR, Learned, Scale, fitted
from archsmith.strategies.rungs.standing import Standing
from archsmith.values import History, Trial

FIRST = 5
"""Trials of the first ones that are found."""


class Learning:
    """Finds them from the first trials of a history: 5, 10, 20, ..., as many as there are.

    What it keeps between calls is a cache: it depends on those trials alone.

    Args:
        empty: Makes the standing of an empty history.
        times: (n_times,).
    """

    def __init__(self, empty: Callable[[], Standing], times: np.ndarray) -> None:
        self._empty, self._times = empty, times
        self._last: tuple[tuple[Trial, ...], Learned] | None = None

    def __call__(self, history: History) -> Learned:
        """Return them for a history."""
        n = FIRST
        while 2 * n <= len(history):
            n *= 2
        trials = history.trials[:n]
        if self._last is None or len(self._last[0]) != len(trials) or not all(map(is_, self._last[0], trials)):
            self._last = trials, self._learn(trials)
        return self._last[1]

    def _learn(self, trials: tuple[Trial, ...]) -> Learned:
        standing = self._empty()
        for trial in trials:
            standing.add(trial)
        costs = standing.costs
        seen = np.flatnonzero(~np.isnan(costs).all(axis=1))
        if not np.isfinite(costs).any():
            return Learned(Hyperparameters(*np.exp(PRIOR)), self._times, 1.0)
        features = standing.features[seen]
        given = fitted(Scale.of(costs).values(costs)[seen], features, self._times)
        return Learned(given, self._times, typical_distance(features[:CURVES]))
