"""What is said of places of a picture lies where the picture has drawn them."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from archsmith.report import ReportData, style
from archsmith.report.pictures import FIGURES
from archsmith.report.pictures.axes import plot
from archsmith.report.pictures.pareto import pareto
from archsmith.report.pictures.pointing import MOST, Pointed, packed, point_out, pointed
from archsmith.report.pictures.probabilities import probability_curves, probability_map
from archsmith.values import SupernetEpoch, Trial

Make = Callable[..., ReportData]
MakeTrial = Callable[..., Trial]
DRAW = {
    **FIGURES, "pareto-n-params": lambda data: pareto(data, "n_params"), "pareto-latency": lambda data: pareto(data, "latency_s"),
}  # fmt: skip
NEAR = 0.05
"""Points, by which places that are the same may differ."""


def drawn(figure: Figure) -> np.ndarray:
    """Return where markers stand in the SVG of a figure, (N, 2), as its writer has put them there."""
    markers = re.findall(r'<use [^>]*?x="([-0-9.e]+)" y="([-0-9.e]+)"', style.svg(figure, "test"))
    return np.array(markers, float)


def distance(found: Pointed, markers: np.ndarray) -> np.ndarray:
    """Return how far each place is from the nearest marker, (N,)."""
    return np.linalg.norm(np.array(found.at)[:, None] - markers[None], axis=-1).min(axis=1)


def records(n: int, choices: int) -> list[SupernetEpoch]:
    shares = [e / (2 * n) for e in range(1, n + 1)]
    options = [{f"c{k}": {"conv": 1 - p, "skip": p} for k in range(choices)} for p in shares]
    return [SupernetEpoch(e, 10 * e, 2.0 / e, float(e), probabilities=each) for e, each in enumerate(options, 1)]


@pytest.mark.parametrize("name", ["incumbent-trials", "incumbent-seconds", "pareto-n-params", "pareto-latency"])
def test_each_trial_is_pointed_at_where_its_dot_is(search: Make, name: str) -> None:
    data = search(25, ["it broke"])
    figure = DRAW[name](data)
    markers, found = drawn(figure), pointed(figure)
    assert distance(found, markers).max() < NEAR
    numbers = {int(said.split("#")[1].split(":")[0].split(",")[0]) for said in found.said}
    failed = {t.proposal.number for t in data.failed} if name.startswith("incumbent") else set()
    assert numbers == {t.proposal.number for t in data.history.completed} | failed


def test_the_places_are_right_whatever_the_figures_resolution_is(search: Make) -> None:
    one, two = DRAW["pareto-latency"](search(6)), DRAW["pareto-latency"](search(6))
    two.set_dpi(200)
    drawn(one), drawn(two)
    np.testing.assert_allclose(pointed(one).at, pointed(two).at, atol=NEAR)


def test_what_is_said_of_a_trial_is_what_was_measured(search: Make, trial: MakeTrial) -> None:
    made = trial(3, metrics={"accuracy": 0.9123, "n_params": 45_210.0, "latency_s": 0.0012})
    data = search(0, others=[made])
    figure = DRAW["pareto-n-params"](data)
    drawn(figure)
    (said,) = set(pointed(figure).said)
    assert said.split("\n")[0].startswith(f"trial #{made.proposal.number}, winner: 4 epochs, 50 % of the images")
    assert said.split("\n")[1:] == ["accuracy 91.23 %", "parameters 45,210", "latency 1.2 ms"]


def test_of_the_best_curves_each_epoch_is_said_and_of_all_their_ends(search: Make) -> None:
    data = search(9)
    figure = DRAW["learning-curves"](data)
    drawn(figure)
    said = pointed(figure).said
    best = data.ranked[0]
    assert f"trial #{best.proposal.number}, epoch 4: {100 * best.curve[3].val_accuracy:.2f} %" in said
    assert sum("\naccuracy" in text for text in said) == 9


@pytest.mark.parametrize("draw", [probability_curves, probability_map])
def test_of_many_epochs_so_many_are_said_as_there_is_room_for_and_the_last_ones_among_them(draw: Callable[..., Figure]) -> None:
    few = draw(records(3, 2))
    drawn(few)
    assert sorted(pointed(few).said) == sorted(
        f"c{k}, epoch {e}: {option} {p:.2f}"
        for k in range(2) for e in (1, 2, 3) for option, p in (("conv", 1 - e / 6), ("skip", e / 6))
    )  # fmt: skip
    many = draw(records(1000, 4))
    drawn(many)
    found = pointed(many)
    assert MOST / 2 < len(found.said) <= MOST
    assert "c0, epoch 1000: skip 0.50" in found.said


def test_of_very_many_places_some_are_kept_from_the_first_to_the_last_and_those_out_of_the_figure_are_not() -> None:
    figure, axes = plot("many")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    point_out(axes, [(k / (3 * MOST), 0.5, str(k)) for k in range(3 * MOST + 1)])
    point_out(axes, [(9.0, 9.0, "outside")])
    style.svg(figure, "test")
    found = pointed(figure)
    assert len(found.said) == MOST
    assert (found.said[0], found.said[-1]) == ("0", str(3 * MOST))
    assert "outside" not in found.said


def test_a_text_that_several_pictures_say_is_there_once() -> None:
    both = {"a": Pointed(((1.04, 2.0), (3.0, 4.0)), ("x", "y")), "b": Pointed(((5.0, 6.0),), ("x",)), "c": Pointed((), ())}
    assert packed(both) == {"said": ["x", "y"], "pictures": {"a": [10, 20, 0, 30, 40, 1], "b": [50, 60, 0]}}
