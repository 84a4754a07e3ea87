"""The picture of regrets, read back from its lines."""

import numpy as np
import pytest

from archsmith.report.pictures.regret import regret


def test_a_line_is_the_mean_over_seeds_from_the_first_evaluation_that_all_have() -> None:
    curves = {"random": np.array([[4.0, 2.0, 2.0], [2.0, 2.0, 1.0]]), "x": np.array([[np.nan, 3.0, 1.0], [8.0, 1.0, 0.5]])}
    (axes,) = regret("digits", curves, "accuracy").axes
    random, x = axes.lines
    assert random.get_xydata().tolist() == [[1, 3.0], [2, 2.0], [3, 1.5]]  # type: ignore[union-attr]
    assert x.get_xydata().tolist() == [[2, 2.0], [3, 0.75]]  # type: ignore[union-attr]
    assert axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.lines] == ["random", "x"]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_seeds_that_found_the_best_stay_on_the_scale(value: float) -> None:
    curves = {"x": np.array([[1.0, 0.0], [1.0, value]])}
    (axes,) = regret("digits", curves, "accuracy").axes
    bottom = axes.get_ylim()[0]
    assert bottom > 0
    assert min(axes.lines[0].get_ydata()) >= bottom
