"""From any model of learning curves to a stopper whose intervals hold: corrected on the curves that came to their end.

A model of how curves go on knows nothing of the schedule of the learning rate. Where that is annealed, curves rise once more
at the end, and intervals that should hold 90 % of what comes held a third to a half. So the model predicts the end of each
curve that is known, learned from the others (in five folds), at each epoch. A line through the rises that came against those
that were predicted corrects its predictions at that epoch: what all curves gain is added, and as much of what the model says of
this one as has proved true. What is left are the errors to be expected.

Reference:
    Papadopoulos, Proedrou, Vovk, Gammerman 2002, Inductive Confidence Machines for Regression (normalised errors);
    Barber, Candès, Ramdas, Tibshirani 2021 (arXiv:1905.02928), CV+: errors of models that have not seen the curve. Here they are
    put around the prediction of the model that has seen all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from archsmith.evaluation.stopping.curves import Curves, Prediction, filled
from archsmith.evaluation.stopping.stopper import Give, GoOn, Verdict

FOLDS = 5
MOST_CURVES = 128
"""Finished curves that a model learns from, the latest ones: an hour's training must not become an hour's fit."""
FEWEST_CURVES = 4
"""Below that, nothing is predicted."""
PRIOR_SLOPE, PRIOR_WEIGHT = 0.5, 4.0
"""How much of a predicted rise is believed at first, and how many curves that is worth."""
LOCAL_WIDTH, LOCAL_WEIGHT = 0.5, 6.0
"""The width of the kernel in which errors are averaged, in standard deviations of the predictions, and the weight of all."""
MOST_LOOKS = 32
"""Epochs at which a curve is looked at; of a longer one, so many that are spread evenly. Each is a model to correct."""


class Extrapolator(Protocol):
    """Predicts the ends of curves."""

    def ends(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return expectations and their deviations, each (m,).

        Args:
            values: Curves so far, (m, t), finite, 1 <= t < horizon.
            features: Their architectures, (m, n_features).
        """
        ...


class Model(Protocol):
    """A model of learning curves."""

    def learn(self, curves: Curves, looks: Sequence[int]) -> Extrapolator:
        """Return what predicts after each number of epochs in `looks`.

        The curves are finished and of a scale at which most values lie in [0, 1].
        """
        ...


@dataclass(frozen=True, slots=True)
class Scale:
    """Puts curves on a scale on which those before lie between 0 and 1, so that models need not know the metric."""

    low: float
    """Value that becomes 0."""
    width: float
    """Difference that becomes 1."""

    @classmethod
    def of(cls, values: np.ndarray) -> "Scale":
        """Return the scale of curves, (n, horizon): without the outermost twentieths, which may be far away."""
        low, high = np.quantile(values, [0.05, 0.95])
        return cls(float(low), float(high - low) or 1.0)

    def there(self, values: np.ndarray) -> np.ndarray:
        """Return values on the scale; far outliers are put at its rim."""
        return np.clip((values - self.low) / self.width, -2.0, 3.0)

    def back(self, values: np.ndarray) -> np.ndarray:
        """Return values in their own unit."""
        return self.low + self.width * values


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """What predictions at an epoch are corrected by, and the errors that are left."""

    intercept: float
    """Of the line through the rises that came, from the last value seen, against those that were predicted."""
    slope: float
    """Of that line, in [0, 1.5]: 0 where the model tells nothing that the last value does not."""
    centres: np.ndarray
    """(n,): the corrected predictions of the curves that are known."""
    sizes: np.ndarray
    """(n,): how far off they were, over the model's deviation."""
    errors: np.ndarray
    """(n,): what came less what was predicted, over the deviation and over how far off others there were."""
    floor: float
    """The lowest deviation of the model that is believed."""

    @classmethod
    def of(cls, expected: np.ndarray, deviations: np.ndarray, came: np.ndarray, last: np.ndarray) -> "Correction":
        """Fit it to predictions of curves whose ends are known, and to their last values that were seen, each (n,)."""
        floor = float(np.median(deviations)) / 2 + 1e-6
        deviations = np.maximum(deviations, floor)
        intercept, slope, leverage = _line(expected - last, came - last)
        centres = last + intercept + slope * (expected - last)
        errors = (came - centres) / (1 - leverage) / deviations
        sizes = np.abs(errors)
        return cls(intercept, slope, centres, sizes, errors / _local(centres, centres, sizes, leave_out=True), floor)

    def apply(self, expected: float, deviation: float, last: float) -> tuple[float, np.ndarray]:
        """Return the corrected expectation, and the draws around it."""
        centre = last + self.intercept + self.slope * (expected - last)
        local = float(_local(np.array([centre]), self.centres, self.sizes)[0])
        return centre, centre + max(deviation, self.floor) * local * self.errors


def _local(at: np.ndarray, centres: np.ndarray, sizes: np.ndarray, *, leave_out: bool = False) -> np.ndarray:
    """Return how far off predictions around `at` were, (m,): what is poor so far may still become anything, what is good may not.

    A kernel's mean, and as many curves' worth of the mean over all as `LOCAL_WEIGHT` says.
    """
    width = LOCAL_WIDTH * float(np.std(centres)) + 1e-9
    near = np.exp(-0.5 * ((at[:, None] - centres[None, :]) / width) ** 2)
    if leave_out:
        np.fill_diagonal(near, 0.0)
    mean = (near @ sizes + LOCAL_WEIGHT * float(np.mean(sizes))) / (near.sum(axis=1) + LOCAL_WEIGHT)
    local: np.ndarray = np.maximum(mean, 1e-9)
    return local


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Return intercept and slope, in [0, 1.5], of a line that outliers do not turn, and the leverage of each point.

    Reference: Huber 1964, by reweighted least squares; a prior holds the slope, so that a few curves can't turn it either.
    """
    weights = np.ones(len(x))
    spread = max(float(np.var(x)), 1e-6)
    intercept, slope, leverage = 0.0, PRIOR_SLOPE, np.zeros(len(x))
    for _ in range(10):
        total = weights.sum()
        centre = float(weights @ x) / total
        denominator = float(weights @ (x - centre) ** 2) + PRIOR_WEIGHT * spread
        rise = y - PRIOR_SLOPE * x
        slope = PRIOR_SLOPE + float(weights @ ((x - centre) * (rise - float(weights @ rise) / total))) / denominator
        slope = min(max(slope, 0.0), 1.5)
        intercept = float(weights @ (y - slope * x)) / total
        leverage = np.minimum(weights * (1 / total + (x - centre) ** 2 / denominator), 0.9)
        off = np.abs(y - intercept - slope * x)
        typical = 1.345 * 1.4826 * float(np.median(off)) + 1e-9
        weights = np.minimum(1.0, typical / np.maximum(off, 1e-12))
    return intercept, slope, leverage


@dataclass(frozen=True, slots=True)
class ConformalStopper:
    """Stops a training that is unlikely to beat the best one, by a model whose predictions are corrected."""

    model: Model
    """The model of the curves."""
    chance: float
    """The probability below which a training is given up."""

    def fit(self, before: Curves) -> "ConformalWatch | Blind":
        """Let the model learn from what has ended; see `Stopper.fit`."""
        ended = before.finished.latest(MOST_CURVES)
        if len(ended) < FEWEST_CURVES or before.horizon < 2:
            return Blind()
        scale = Scale.of(ended.values)
        scaled = Curves(scale.there(ended.values), ended.features)
        looks = looks_at(before.horizon)
        return ConformalWatch(scale, self.model.learn(scaled, looks), _corrections(self.model, scaled, looks), self.chance)


@dataclass(frozen=True, slots=True)
class Blind:
    """Knows too little to say anything."""

    def look(self, values: np.ndarray, features: np.ndarray, best: float) -> Verdict:
        """Let everything go on."""
        del values, features, best
        return GoOn()


@dataclass(frozen=True, slots=True, eq=False)
class ConformalWatch:
    """A model that has learned, and the corrections of its predictions at each epoch."""

    scale: Scale
    """Of the curves."""
    extrapolator: Extrapolator
    """Predicts, on that scale."""
    corrections: Mapping[int, Correction]
    """After so many epochs."""
    chance: float
    """As in the stopper."""

    def predict(self, values: np.ndarray, features: np.ndarray) -> Prediction:
        """Predict the end of a curve, (t,), with at least one finite value."""
        curve = self.scale.there(filled(values))[None, :]
        expected, deviation = self.extrapolator.ends(curve, features[None, :])
        centre, draws = self.corrections[len(values)].apply(float(expected[0]), float(deviation[0]), float(curve[0, -1]))
        return Prediction(self.scale.back(draws), float(self.scale.back(np.asarray(centre))))

    def look(self, values: np.ndarray, features: np.ndarray, best: float) -> Verdict:
        """Give up what is unlikely to beat the best; see `Watch.look`."""
        if len(values) not in self.corrections or not np.isfinite(values[-1]):
            return GoOn()
        prediction = self.predict(values, features)
        return Give(prediction) if prediction.chance(best) < self.chance else GoOn(prediction)


def looks_at(horizon: int) -> tuple[int, ...]:
    """Return the epochs after which a curve is looked at: all but the last, or as many as are affordable."""
    n = min(horizon - 1, MOST_LOOKS)
    return tuple(round((k + 1) * (horizon - 1) / n) for k in range(n))


def _corrections(model: Model, curves: Curves, looks: Sequence[int]) -> dict[int, Correction]:
    """Return the correction at each epoch, from predictions of models that have not seen the curve."""
    came = curves.values[:, -1]
    expected, deviations = np.empty((2, len(looks), len(curves)))
    for held in _folds(len(curves)):
        extrapolator = model.learn(curves.take(~held), looks)
        for k, t in enumerate(looks):
            expected[k, held], deviations[k, held] = extrapolator.ends(curves.values[held, :t], curves.features[held])
    return {t: Correction.of(expected[k], deviations[k], came, curves.values[:, t - 1]) for k, t in enumerate(looks)}


def _folds(n: int) -> Iterator[np.ndarray]:
    """Yield a mask a fold; neighbours in time are in different folds."""
    for k in range(min(FOLDS, n)):
        yield np.arange(n) % min(FOLDS, n) == k
