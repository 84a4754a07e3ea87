import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from archsmith.evaluation.stopping.conformal import ConformalStopper, ConformalWatch, looks_at
from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.stopper import Give, GoOn


@dataclass(frozen=True)
class LastValue:
    """A model that believes the last value, and is far too sure of it."""

    def learn(self, curves: Curves, looks: Sequence[int]) -> "LastValue":
        return self

    def ends(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return values[:, -1], np.full(len(values), 1e-3)


@dataclass(frozen=True)
class Memory:
    """A model that knows the ends of the curves that it has seen, and nothing of others."""

    ends_by_start: dict[float, float] = field(default_factory=dict)

    def learn(self, curves: Curves, looks: Sequence[int]) -> "Memory":
        return Memory(dict(zip(curves.values[:, 0].tolist(), curves.values[:, -1].tolist(), strict=True)))

    def ends(self, values: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([self.ends_by_start.get(v, 0.5) for v in values[:, 0].tolist()]), np.full(len(values), 1e-3)


def draw(rng: np.random.Generator, n: int) -> Curves:
    """Return curves of three epochs that rise by a half in the end, with errors of heavy tails."""
    start = rng.uniform(0, 1, n)
    values = np.stack([start, start + 0.1, start + 0.5 + 0.1 * rng.standard_t(3, n)], axis=1)
    return Curves(values, np.zeros((n, 1)))


def fitted(curves: Curves) -> ConformalWatch:
    watch = ConformalStopper(LastValue(), 0.05).fit(curves)
    assert isinstance(watch, ConformalWatch)
    return watch


@pytest.mark.parametrize("n", [15, 60])
def test_intervals_hold_what_they_promise_on_exchangeable_curves_whatever_the_model_believes(n: int) -> None:
    rng, covered = np.random.default_rng(0), []
    for _ in range(120):
        watch, new = fitted(draw(rng, n)), draw(rng, 5)
        for values, features in zip(new.values, new.features, strict=True):
            low, high = watch.predict(values[:2], features).interval(0.9)
            covered.append(low <= values[2] <= high)
    assert 0.86 <= np.mean(covered) <= 0.94  # 600 draws of 0.90, which are 0.012 off as a rule


def test_errors_are_those_of_models_that_have_not_seen_the_curve() -> None:
    rng = np.random.default_rng(0)
    values = np.stack([rng.uniform(size=60), np.full(60, 0.5), rng.uniform(size=60)], axis=1)
    watch = ConformalStopper(Memory(), 0.05).fit(Curves(values, np.zeros((60, 1))))
    assert isinstance(watch, ConformalWatch)
    low, high = watch.predict(np.array([0.123]), np.zeros(1)).interval(0.9)
    assert high - low == pytest.approx(0.9, abs=0.15)  # of a value anywhere between 0 and 1


def test_what_all_curves_gain_in_the_end_is_added() -> None:
    watch = fitted(draw(np.random.default_rng(1), 60))
    assert watch.predict(np.array([0.4, 0.5]), np.zeros(1)).mean == pytest.approx(0.9, abs=0.05)


def test_a_training_ends_where_the_best_is_out_of_reach() -> None:
    watch = fitted(draw(np.random.default_rng(2), 60))
    curve = np.array([0.4, 0.5])  # it will reach 0.9, and 0.1 more now and then
    for best, verdict in ((0.5, GoOn), (0.9, GoOn), (1.0, GoOn), (2.5, Give), (-math.inf, GoOn)):
        assert isinstance(watch.look(curve, np.zeros(1), best), verdict), best


def test_a_long_curve_is_looked_at_now_and_then() -> None:
    assert looks_at(1) == ()
    assert looks_at(2) == (1,)
    assert looks_at(27) == tuple(range(1, 27))
    long = looks_at(1000)
    assert (len(long), long[-1]) == (32, 999)
    assert set(np.diff(long)) <= {31, 32}
