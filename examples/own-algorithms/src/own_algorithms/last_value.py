"""A stopper by the simplest prediction there is: a curve will gain from here on what others have gained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archsmith.evaluation.stopping.conformal import ConformalStopper
from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.stopper import PredictingConfig, Stopper


class LastValueConfig(PredictingConfig):
    """What others have gained from here on is what this one will gain."""

    def build(self) -> Stopper:
        """Make the stopper: the intervals, which hold, and the rule are Archsmith's."""
        return ConformalStopper(LastValue(), self.chance)


@dataclass(frozen=True, slots=True)
class LastValue:
    """Learns the gains."""

    def learn(self, curves: Curves, looks: Sequence[int]) -> "Gains":
        """Return what predicts the ends of curves; these here are finished."""
        del looks
        gains = curves.values[:, -1:] - curves.values
        return Gains(gains.mean(0), gains.std(0) + 1e-3)


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """What is gained from each epoch on."""

    mean: np.ndarray
    """(horizon,)."""
    deviation: np.ndarray
    """(horizon,)."""

    def ends(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what curves, (m, t), are expected to end with, and how far that may be off: (m,) each."""
        del features
        t = values.shape[1] - 1
        return values[:, -1] + self.mean[t], np.full(len(values), self.deviation[t])
