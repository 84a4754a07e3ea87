import numpy as np
import pytest
from sklearn.svm import NuSVR

from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.svr import PENALTIES, SVR, SVRConfig, _inputs
from archsmith.testing.stoppers import StopperConformance, some_curves


class TestSVR(StopperConformance):
    @pytest.fixture
    def config(self) -> SVRConfig:
        return SVRConfig()


def test_the_inputs_are_values_first_and_second_differences_and_the_architecture() -> None:
    assert _inputs(np.array([[1.0, 3.0, 8.0, 9.0]]), np.array([[7.0, 6.0]])).tolist() == [[1, 3, 8, 9, 2, 5, 1, 3, -4, 7, 6]]
    assert _inputs(np.array([[1.0, 3.0]]), np.array([[7.0]])).tolist() == [[1, 3, 2, 7]]
    assert _inputs(np.array([[1.0]]), np.array([[7.0]])).tolist() == [[1, 7]]


def test_it_is_scikit_learns_nu_svr_of_the_rise_on_scaled_inputs() -> None:
    before, new, t = some_curves(30), some_curves(8, seed=1), 3
    told, _ = SVR().learn(before, (t,)).ends(new.values[:, :t], new.features)
    rises = before.values[:, -1] - before.values[:, t - 1]
    centre, width = rises.mean(), rises.std()
    columns = [
        np.hstack([c.values[:, :t], np.diff(c.values[:, :t]), np.diff(c.values[:, :t], n=2), c.features]) for c in (before, new)
    ]
    mean, deviation = columns[0].mean(0), columns[0].std(0)
    weights = np.sqrt([1 / 12] * 6 + [1 / 4] * 2)  # six numbers of the curve and two of the architecture, half and half
    train, test = ((c - mean) / deviation * weights for c in columns)
    candidates = [NuSVR(C=c, nu=0.5, gamma=1.0).fit(train, (rises - centre) / width).predict(test) for c in PENALTIES]
    assert any(told == pytest.approx(new.values[:, t - 1] + centre + width * c) for c in candidates)


def test_differences_and_architecture_tell_what_the_last_value_does_not() -> None:
    rng = np.random.default_rng(0)
    speed, kind = rng.uniform(-0.1, 0.1, 80), rng.integers(0, 2, 80).astype(float)
    last = rng.uniform(0.4, 0.6, 80)
    values = np.stack([last - speed, last, last + 2 * speed + 0.2 * kind], axis=1)
    curves = Curves(values, kind[:, None])
    told, _ = SVR().learn(curves.take(np.arange(60)), (2,)).ends(values[60:, :2], curves.features[60:])
    assert np.abs(told - values[60:, 2]).mean() < 0.03
    assert np.abs(last[60:] - values[60:, 2]).mean() > 0.1
