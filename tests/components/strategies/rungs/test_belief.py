"""What is believed of frozen trainings, beside one normal distribution over all values at once."""

import numpy as np
import pytest

from archsmith.curve_process import Hyperparameters
from archsmith.strategies.rungs.belief import Belief, Learned, Scale, fitted

GIVEN = Hyperparameters(alpha=0.8, beta=1.7, decay=0.9, noise=0.2, end=0.7, length=1.3)
TIMES, UNIT = np.array([1.0, 2.0, 3.0, 3.5]), 0.7
LEARNED = Learned(GIVEN, TIMES, UNIT)
RNG = np.random.default_rng(0)
FEATURES = RNG.uniform(size=(7, 3))  # the last two are new
SEEN = (0b0001, 0b0011, 0b0111, 0b1111, 0b0100)
POINTS = [(row, at) for row, seen in enumerate(SEEN) for at in range(4) if seen >> at & 1]
VALUES = np.zeros((5, 4))
for point in POINTS:
    VALUES[point] = RNG.normal()


def over_ends(a: int, b: int) -> float:
    apart = float(np.linalg.norm(FEATURES[a] - FEATURES[b])) / UNIT
    return GIVEN.end**2 * (0.5 * np.exp(-apart / GIVEN.length) + 0.5 * (a == b))


def over_values(p: tuple[int, int], q: tuple[int, int]) -> float:
    t, s = TIMES[p[1]], TIMES[q[1]]
    within = GIVEN.decay**2 * (GIVEN.beta / (t + s + GIVEN.beta)) ** GIVEN.alpha + GIVEN.noise**2 * (p[1] == q[1])
    return over_ends(p[0], q[0]) + (p[0] == q[0]) * within


K = np.array([[over_values(p, q) for q in POINTS] for p in POINTS])
Y = np.array([VALUES[p] for p in POINTS])


def given_all(across: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Condition on all values: mean and covariance."""
    return across @ np.linalg.solve(K, Y), own - across @ np.linalg.solve(K, across.T)


def test_asymptotes_are_those_of_a_gaussian_process_over_all_values_at_once() -> None:
    rows = range(7)
    mean, covariance = given_all(
        np.array([[over_ends(a, p[0]) for p in POINTS] for a in rows]), np.array([[over_ends(a, b) for b in rows] for a in rows])
    )
    belief = Belief(LEARNED, VALUES, SEEN, FEATURES[:5])
    for found, expected in zip(belief.joint(FEATURES), (mean, covariance), strict=True):
        assert found == pytest.approx(expected)
    for found, expected in zip(belief.marginal(FEATURES[5:]), (mean[5:], np.diag(covariance)[5:]), strict=True):
        assert found == pytest.approx(expected)
    assert belief.mean == pytest.approx(mean[:5])
    assert belief.variance == pytest.approx(np.diag(covariance)[:5])


@pytest.mark.parametrize(("row", "at"), [(0, 1), (1, 2), (2, 3), (4, 3), (5, 0)])
def test_the_next_value_is_that_of_a_gaussian_process_over_all_values_at_once(row: int, at: int) -> None:
    point = (row, at)
    across, own = np.array([[over_values(point, p) for p in POINTS]]), np.array([[over_values(point, point)]])
    mean, variance = given_all(across, own)
    belief = Belief(LEARNED, VALUES, SEEN, FEATURES[:5])
    step = LEARNED.next(SEEN[row] if row < 5 else 0, at)
    (asymptote,), ((of_asymptote,),) = belief.joint(FEATURES[row : row + 1])
    curve = VALUES[row] if row < 5 else np.zeros(4)
    assert step.gain @ curve + step.share * asymptote == pytest.approx(mean[0])
    assert step.share**2 * of_asymptote + step.variance == pytest.approx(variance[0, 0])


def test_the_mean_curve_rises_by_the_median_of_each_step_and_what_failed_is_as_bad_as_the_worst() -> None:
    nan, inf = np.nan, np.inf
    costs = np.array([[9.0, 7.0, 6.0], [8.0, 5.0, nan], [7.0, 6.0, inf], [5.0, nan, nan], [nan, 4.0, 2.0]])
    scale = Scale.of(costs)
    assert scale.mean == pytest.approx([7.5, 7.5 - 2, 7.5 - 2 - 1.5])  # medians of 9 8 7 5, of 2 3 1, of 1 2
    values = scale.values(costs)
    assert values[0] * scale.deviation == pytest.approx([-1.5, -1.5, -2.0])
    assert values[2, 2] == np.nanmin(values) == values[0, 2]
    assert np.isnan(values).sum() == 4


def test_a_diverged_value_is_bad_and_does_not_hide_the_differences_of_others() -> None:
    costs = np.array([[0.3], [0.4], [0.5], [0.6], [0.7], [1e12]])
    values = Scale.of(costs).values(costs)[:, 0]
    assert values[5] == -4.0
    assert values[0] - values[4] > 2


def test_hyperparameters_are_found_near_those_that_curves_were_drawn_from() -> None:
    rng, times, true = np.random.default_rng(1), np.arange(1.0, 10.0), Hyperparameters(1.0, 1.0, 0.7, 0.05, 0.7, 1.0)
    within = np.linalg.cholesky(true.over_times(times) + true.noise**2 * np.eye(9))
    values = 0.7 * rng.standard_normal((30, 1)) + (within @ rng.standard_normal((9, 30))).T
    found = fitted(values, rng.uniform(size=(30, 4)), times)
    assert found.noise == pytest.approx(true.noise, rel=0.3)
    assert found.end == pytest.approx(true.end, rel=0.4)
