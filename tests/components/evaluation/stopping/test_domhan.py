from collections.abc import Callable

import numpy as np
import pytest

from archsmith.evaluation.stopping.domhan import NOISE_WEIGHT, PRIOR_MEAN, PRIOR_PRECISION, DomhanConfig, Ensemble, noise_of
from archsmith.evaluation.stopping.families import FAMILIES, draw_shapes
from archsmith.testing.stoppers import StopperConformance

HORIZON, SEEN = 30, 10
X = np.arange(1.0, HORIZON + 1)

# Table 1 of the paper, each written out again with parameters under which it still rises after a third of the epochs.
CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "vapor pressure": lambda x: np.exp(-0.6 - 1.5 / x + 0.08 * np.log(x)),
    "pow3": lambda x: 0.9 - 0.7 * x**-0.5,
    "log log linear": lambda x: np.log(0.25 * np.log(x) + 1.2),
    "hill3": lambda x: 0.9 * x**1.1 / (4.0**1.1 + x**1.1),
    "log power": lambda x: 0.85 / (1 + (x / np.exp(1.5)) ** -1.2),
    "pow4": lambda x: 0.95 - (0.3 * x + 1.0) ** -0.9,
    "mmf": lambda x: 0.9 - 0.8 / (1 + (0.25 * x) ** 1.2),
    "exp4": lambda x: 0.9 - np.exp(-0.3 * x**0.7 - 0.2),
    "janoschek": lambda x: 0.9 - 0.8 * np.exp(-0.1 * x**0.9),
    "weibull": lambda x: 0.9 - 0.8 * np.exp(-((0.12 * x) ** 0.9)),
    "ilog2": lambda x: 0.95 - 0.9 / np.log(x + 1),
}


class TestDomhan(StopperConformance):
    @pytest.fixture
    def config(self) -> DomhanConfig:
        return DomhanConfig(shapes=1000)


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return Ensemble(draw_shapes(np.random.default_rng(0), 5000, HORIZON), 0.003)


def test_there_is_a_curve_of_each_family_of_the_paper() -> None:
    assert CURVES.keys() == FAMILIES.keys()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_curve_of_each_family_is_continued(ensemble: Ensemble, family: str) -> None:
    curve = CURVES[family](X)
    still_to_come = curve[-1] - curve[SEEN - 1]
    assert still_to_come > 0.08
    (end,), (deviation,) = ensemble.ends(curve[None, :SEEN], np.empty((1, 0)))
    assert abs(end - curve[-1]) < 0.3 * still_to_come
    assert abs(end - curve[-1]) < 2.5 * deviation


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_rises_from_first_to_last(family: str) -> None:
    values = FAMILIES[family](np.random.default_rng(0), np.tile(X, (500, 1)))
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=1) >= -1e-12).all()


def test_of_a_single_shape_start_and_rise_are_those_of_least_squares_with_the_prior_as_observations() -> None:
    shape = (X - 1) / (HORIZON - 1)
    curve = 0.2 + 0.6 * shape[:SEEN] + np.random.default_rng(0).normal(0, 0.01, SEEN)
    noise = 0.05
    weights = np.sqrt(PRIOR_PRECISION * noise**2)
    design = np.vstack([np.stack([np.ones(SEEN), shape[:SEEN]], axis=1), np.diag(weights)])
    (start, rise), (left,), *_ = np.linalg.lstsq(design, np.r_[curve, weights * PRIOR_MEAN], rcond=None)
    covariance = np.linalg.inv(design.T @ design)
    variance = (NOISE_WEIGHT * noise**2 + left) / (NOISE_WEIGHT + SEEN) * (1 + covariance.sum())
    (end,), (deviation,) = Ensemble(shape[None], noise).ends(curve[None], np.empty((1, 0)))
    assert end == pytest.approx(start + rise, rel=1e-5)
    assert deviation == pytest.approx(np.sqrt(variance), rel=1e-4)


def test_noise_is_told_from_a_smooth_rise() -> None:
    smooth = np.log(X)[None, :] / 4 + np.zeros((40, 1))
    assert noise_of(smooth + np.random.default_rng(0).normal(0, 0.1, (40, HORIZON))) == pytest.approx(0.1, rel=0.1)
    assert noise_of(smooth) < 0.04
