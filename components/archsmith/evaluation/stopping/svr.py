"""Regression of a curve's end on how it began and on its architecture.

Reference: Baker, Gupta, Raskar, Naik 2017, Accelerating Neural Architecture Search using Performance Prediction
(arXiv:1705.10823), section 3: nu-SVR with a radial kernel on the validation values so far, their first and second differences,
and the architecture, a model an epoch (SRM); the deviation is that of the errors in cross-validation, and a training ends where
P(end <= best) >= Delta (section 4), here 1 - `chance`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from archsmith.evaluation.stopping.conformal import ConformalStopper
from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.stopper import PredictingConfig

PENALTIES = (0.3, 3.0, 30.0)
"""Values of C that are tried, on targets of unit variance."""
NU = 0.5
FOLDS = 3
"""Of the cross-validation that chooses C."""


class SVRConfig(PredictingConfig):
    """Support vector regression on the curve so far, its differences, and the architecture (Baker 2017)."""

    def build(self) -> ConformalStopper:
        """Make the stopper."""
        return ConformalStopper(SVR(), self.chance)


@dataclass(frozen=True, slots=True)
class SVR:
    """The model: a regression an epoch."""

    def learn(self, curves: Curves, looks: Sequence[int]) -> "Regressions":
        """Fit a regression for each number of epochs."""
        return Regressions({t: _Regression.fit(curves, t) for t in looks})


class Regressions:
    """What was fitted, one for each number of epochs."""

    def __init__(self, after: "Mapping[int, _Regression]") -> None:
        self._after = after

    def ends(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict the ends; see `Extrapolator.ends`."""
        return self._after[values.shape[1]].predict(values, features)


@dataclass(frozen=True, slots=True, eq=False)
class _Regression:
    """A regression of the rise from the last value to the end."""

    mean: np.ndarray
    """Of each input."""
    deviation: np.ndarray
    """Of each input."""
    width: float
    """Standard deviation of the rises."""
    centre: float
    """Mean of the rises."""
    svr: Any
    """scikit-learn's NuSVR."""

    @classmethod
    def fit(cls, curves: Curves, t: int) -> "_Regression":
        """Fit it to whole curves, of which the first `t` values are seen."""
        inputs = _inputs(curves.values[:, :t], curves.features)
        rises = curves.values[:, -1] - curves.values[:, t - 1]
        mean, deviation = inputs.mean(0), inputs.std(0)
        deviation[deviation < 1e-9] = 1.0
        centre, width = float(rises.mean()), float(rises.std()) or 1.0
        scaled, targets = _weighed((inputs - mean) / deviation, t), (rises - centre) / width
        return cls(mean, deviation, width, centre, _best(scaled, targets))

    def predict(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict the ends of curves, (m, t)."""
        scaled = _weighed((_inputs(values, features) - self.mean) / self.deviation, values.shape[1])
        ends = values[:, -1] + self.centre + self.width * self.svr.predict(scaled)
        return ends, np.full(len(values), self.width)


def _inputs(values: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return (m, t + (t - 1) + (t - 2) + n_features): values, first and second differences, the architecture."""
    return np.hstack(
        [values, np.diff(values, axis=1), np.diff(values, n=2, axis=1) if values.shape[1] > 2 else values[:, :0], features]
    )


def _weighed(scaled: np.ndarray, t: int) -> np.ndarray:
    """Return the inputs so that curve and architecture count alike in a distance, however many numbers each has."""
    n_curve = t + max(t - 1, 0) + max(t - 2, 0)
    weights = np.r_[np.full(n_curve, 1 / n_curve), np.full(scaled.shape[1] - n_curve, 1 / max(scaled.shape[1] - n_curve, 1))]
    weighed: np.ndarray = scaled * np.sqrt(weights / 2)
    return weighed


def _best(inputs: np.ndarray, targets: np.ndarray) -> Any:
    """Return the regression with the penalty that predicts best in cross-validation, fitted to all."""
    from sklearn.svm import NuSVR

    def error(penalty: float) -> float:
        fold = np.arange(len(targets)) % FOLDS
        off = 0.0
        for k in range(FOLDS):
            held = fold == k
            svr = NuSVR(C=penalty, nu=NU, gamma=1.0).fit(inputs[~held], targets[~held])
            off += float(np.abs(svr.predict(inputs[held]) - targets[held]).sum())
        return off

    return NuSVR(C=min(PENALTIES, key=error), nu=NU, gamma=1.0).fit(inputs, targets)
