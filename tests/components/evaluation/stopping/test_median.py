import numpy as np
import pytest

from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.median import MedianConfig, MedianStopper
from archsmith.evaluation.stopping.stopper import Give
from archsmith.testing.stoppers import StopperConformance

NO_FEATURES = np.empty(0)


class TestMedian(StopperConformance):
    @pytest.fixture
    def config(self) -> MedianConfig:
        return MedianConfig()


def test_the_best_value_is_held_against_the_median_of_running_averages() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(size=(9, 6))
    values[:2, 3:] = np.nan  # these were stopped after three epochs
    watch = MedianStopper().fit(Curves(values, np.empty((9, 0))))
    for _ in range(50):
        curve = rng.uniform(0, 0.8, size=int(rng.integers(1, 6)))
        t = len(curve)
        # brute force: Vizier, section 3.2.1
        median = np.median([row[:t].mean() for row in values if np.isfinite(row[t - 1])])
        assert isinstance(watch.look(curve, NO_FEATURES, 0.0), Give) == (curve.max() < median)


def test_a_trial_as_good_as_the_median_goes_on() -> None:
    watch = MedianStopper().fit(Curves(np.full((3, 4), 0.5), np.empty((3, 0))))
    assert not isinstance(watch.look(np.array([0.5]), NO_FEATURES, 0.5), Give)
    assert isinstance(watch.look(np.array([0.499]), NO_FEATURES, 0.5), Give)
