"""The median rule: what is below the median of the others so far is stopped.

Reference: Golovin, Solnik, Moitra, Kochanski, Karro, Sculley 2017, Google Vizier, section 3.2.1: a trial is stopped after step
s if its best value by then is strictly worse than the median of the other trials' running averages up to s.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.evaluation.stopping.curves import Curves, Prediction, filled
from archsmith.evaluation.stopping.stopper import Give, GoOn, StopperConfig, Verdict


class MedianConfig(StopperConfig):
    """The median rule: a trial whose best value is below the median of the others' averages so far is stopped (Golovin 2017)."""

    refit: Annotated[int, Field(ge=1)] = 1
    """It learns anew when so many more trials have ended; that costs nothing here."""

    def build(self) -> "MedianStopper":
        """Make the stopper."""
        return MedianStopper()


@dataclass(frozen=True, slots=True)
class MedianStopper:
    """The median rule."""

    def fit(self, before: Curves) -> "MedianWatch":
        """Average the curves before; see `Stopper.fit`."""
        there = np.isfinite(before.values)
        sums = np.cumsum(np.where(there, before.values, 0.0), axis=1)
        counts = np.cumsum(there, axis=1)
        averages = np.where(there, sums / np.maximum(counts, 1), np.nan)
        medians = np.array(
            [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else np.nan for column in averages.T]
        )
        return MedianWatch(medians, before.finished.values)


@dataclass(frozen=True, slots=True, eq=False)
class MedianWatch:
    """What the others had reached, by epoch."""

    medians: np.ndarray
    """(horizon,): the median of the running averages; those of trials that were stopped earlier are no longer among them."""
    ended: np.ndarray
    """(n, horizon): the curves that came to their end."""

    def look(self, values: np.ndarray, features: np.ndarray, best: float) -> Verdict:
        """Give up what is below the median; see `Watch.look`."""
        del features, best
        t = len(values)
        if not len(self.ended) or not 1 <= t < len(self.medians) or not np.isfinite(values[-1]):
            return GoOn()
        prediction = self.predict(values)
        return Give(prediction) if float(np.nanmax(values)) < self.medians[t - 1] else GoOn(prediction)

    def predict(self, values: np.ndarray, features: np.ndarray | None = None) -> Prediction:
        """Predict, for people: the last value, and what others have gained from there on. The rule does not use it."""
        del features
        gains = self.ended[:, -1] - self.ended[:, len(values) - 1]
        last = float(filled(values)[-1])
        return Prediction(last + gains, last + float(np.median(gains)))
