import numpy as np
import pytest

from archsmith.curve_process import Hyperparameters
from archsmith.evaluation.stopping.freeze_thaw import FreezeThawConfig, Thawed
from archsmith.testing.stoppers import StopperConformance

GIVEN = Hyperparameters(alpha=0.8, beta=1.7, decay=0.3, noise=0.05, end=0.2, length=1.3)
N, HORIZON, UNIT = 5, 6, 0.7
RNG = np.random.default_rng(0)
FEATURES = RNG.uniform(size=(N + 1, 3))
VALUES = RNG.normal(0.5, 0.2, (N, HORIZON))
MEAN = np.linspace(0.3, 0.6, HORIZON)


class TestFreezeThaw(StopperConformance):
    @pytest.fixture
    def config(self) -> FreezeThawConfig:
        return FreezeThawConfig()


def covariance(a: np.ndarray, t: int, b: np.ndarray, s: int) -> float:
    """Return the covariance of two values, written out: that of the ends, and within a curve that of the decays."""
    distance = float(np.sqrt(((a - b) ** 2).sum())) / UNIT
    same = distance < 1e-12
    ends = GIVEN.end**2 * (0.5 * np.exp(-distance / GIVEN.length) + 0.5 * same)
    decays = GIVEN.decay**2 * GIVEN.beta**GIVEN.alpha / (t + s + GIVEN.beta) ** GIVEN.alpha
    return float(ends + same * (decays + GIVEN.noise**2 * (t == s)))


def dense(points: list[tuple[int, int]], others: list[tuple[int, int]]) -> np.ndarray:
    return np.array([[covariance(FEATURES[i], t, FEATURES[j], s) for j, s in others] for i, t in points])


@pytest.mark.parametrize("seen", [1, 3, 5])
def test_the_end_is_that_of_a_gaussian_process_over_all_values_at_once(seen: int) -> None:
    curve = RNG.normal(0.5, 0.2, seen)
    points = [(i, t) for i in range(N) for t in range(1, HORIZON + 1)] + [(N, t) for t in range(1, seen + 1)]
    observed = np.r_[(VALUES - MEAN).ravel(), curve - MEAN[:seen]]
    across = dense([(N, HORIZON)], points)
    solved = np.linalg.solve(dense(points, points), np.c_[observed, across.T])
    expected = MEAN[-1] + (across @ solved[:, 0])[0]
    variance = dense([(N, HORIZON)], [(N, HORIZON)])[0, 0] - (across @ solved[:, 1])[0]
    thawed = Thawed(GIVEN, MEAN, VALUES - MEAN, FEATURES[:N], UNIT)
    (end,), (deviation,) = thawed.ends(curve[None], FEATURES[N:])
    assert end == pytest.approx(expected)
    assert deviation == pytest.approx(np.sqrt(variance))
