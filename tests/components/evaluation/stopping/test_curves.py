import math

import numpy as np
import pytest

from archsmith.evaluation.stopping.curves import Curves, Prediction, filled

NAN = math.nan


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]),
        ([0.1, NAN, 0.3], [0.1, 0.1, 0.3]),
        ([NAN, NAN, 0.3], [0.3, 0.3, 0.3]),
        ([0.1, math.inf, -math.inf], [0.1, 0.1, 0.1]),
    ],
)
def test_a_hole_in_a_curve_has_the_value_before_it(given: list[float], wanted: list[float]) -> None:
    assert filled(np.array(given)).tolist() == wanted


def test_curves_are_finished_that_have_an_end() -> None:
    values = np.array([[0.1, 0.2], [0.1, NAN], [NAN, 0.3], [NAN, NAN]])
    finished = Curves(values, np.arange(4.0)[:, None]).finished
    assert finished.values.tolist() == [[0.1, 0.2], [0.3, 0.3]]
    assert finished.features.tolist() == [[0.0], [2.0]]


def test_values_without_their_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Curves are \(n, horizon\).*but these are \(3, 2\) and \(2, 1\)"):
        Curves(np.zeros((3, 2)), np.zeros((2, 1)))


def test_chance_and_interval_of_a_prediction_count_draws() -> None:
    prediction = Prediction(np.arange(-9.0, 10.0), 0.0)  # 19 draws
    assert prediction.chance(8.5) == pytest.approx(1.5 / 20)
    assert prediction.chance(9.0) == pytest.approx(0.5 / 20)
    assert prediction.interval(0.9) == (-9.0, 9.0)  # 18 of 20
    assert prediction.interval(0.5) == (-5.0, 5.0)  # 10 of 20
    assert 5 < prediction.interval(0.575)[1] < 6  # 11.5 of 20: between the eleventh, 5, and the twelfth, 6
    assert prediction.interval(0.99) == (-math.inf, math.inf)


@pytest.mark.parametrize("n", [12, 15, 25, 44])
@pytest.mark.parametrize("tail", [0.5, 1.0, 3.0])
def test_an_interval_of_few_draws_holds_its_share_of_errors_with_a_heavy_tail(n: int, tail: float) -> None:
    rng, draws = np.random.default_rng(0), 20_000
    errors, came = rng.pareto(tail, (draws, n)) + 1, rng.pareto(tail, draws) + 1
    covered = [e <= Prediction(row, 0.0).interval(0.9)[1] for row, e in zip(errors, came, strict=True)]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.007)  # a draw is 0.002 off as a rule; a line between draws is at 0.92


def test_where_most_errors_are_nothing_the_interval_reaches_to_the_next_one() -> None:
    assert Prediction(np.array([0.0] * 14 + [0.3]), 0.0).interval(0.9) == (-0.3, 0.3)
