"""Pictures of shared weights."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.stats import kendalltau

from archsmith.report import ReportData
from archsmith.report.pictures.decisions import decision_effects
from archsmith.report.pictures.incumbent import best_so_far, incumbent
from archsmith.report.pictures.pareto import pareto
from archsmith.report.pictures.probabilities import MOST, probability_curves, probability_map
from archsmith.report.pictures.reranked import reranked
from archsmith.report.pictures.supernet import supernet_training
from archsmith.values import SupernetEpoch, Trial
from archsmith.values.proposals import SHARED

Make = Callable[..., ReportData]
MakeTrial = Callable[..., Trial]


def epoch(number: int, **changes: object) -> SupernetEpoch:
    points = {"edge_0": {"skip": 0.2 * number, "conv": 1 - 0.2 * number}, "edge_1": {"skip": 0.5, "conv": 0.5}}
    return replace(SupernetEpoch(number, number, 1.0 / number, float(number), 2.0, 0.1 * number, points), **changes)


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() or axes.get_title("left") for axes in figure.axes]


def test_only_what_is_known_of_the_training_has_a_panel(search: Make) -> None:
    plain = [epoch(e, probabilities={}, val_loss=math.nan, val_accuracy=math.nan) for e in (1, 2)]
    assert titles(supernet_training(search(records=plain))) == ["loss (nat)"]
    warm = [epoch(e, temperature=2.0, eigenvalue=0.1) for e in (1, 2, 3)]
    figure = supernet_training(search(records=warm))
    assert [title.split()[0] for title in titles(figure)] == ["loss", "accuracy", "entropy", "temperature", "largest"]
    said = "Shared weights, trained for 3 epochs: what is derived reaches 30.0 % with them"
    assert figure.get_suptitle().replace("\n", " ") == said
    training, validation = figure.axes[0].get_lines()
    assert training.get_xydata().tolist() == [[1, 1], [2, 1 / 2], [3, 1 / 3]]
    assert validation.get_ydata().tolist() == [2, 2, 2]


def test_each_choice_has_a_panel_with_its_options_and_the_likeliest_by_name() -> None:
    figure = probability_curves([epoch(e) for e in (1, 2, 3)])
    assert titles(figure) == ["edge_0", "edge_1"]
    first = figure.axes[0]
    np.testing.assert_allclose([line.get_ydata() for line in first.get_lines()[1:]], [[0.2, 0.4, 0.6], [0.8, 0.6, 0.4]])
    assert [text.get_text() for text in first.texts] == ["skip 0.60"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["skip", "conv"]


def test_the_heat_map_has_a_plot_an_option_and_a_row_a_choice_and_choices_among_others_below() -> None:
    other = {"kernel": {"3": 0.1, "5": 0.2, "7": 0.7}}
    records = [epoch(e, probabilities={**epoch(e).probabilities, **other}) for e in (1, 2)]
    figure = probability_map(records)
    assert [title for title in titles(figure) if title] == ["skip", "conv", "3", "5", "7"]
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_yticklabels()] == ["edge_0", "edge_1"]
    np.testing.assert_allclose(first.get_images()[0].get_array(), [[0.2, 0.4], [0.5, 0.5]])


def test_of_very_many_choices_the_surest_are_shown() -> None:
    many = {f"edge_{k}": {"a": 0.5 + 0.004 * k, "b": 0.5 - 0.004 * k} for k in range(MOST + 20)}
    figure = probability_map([epoch(1, probabilities=many)])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [f"edge_{k}" for k in range(20, MOST + 20)]


@pytest.fixture
def looked(search: Make, trial: MakeTrial) -> ReportData:
    """Fifteen looks, of which ten were trained alone; looks have accuracies that no training has."""
    rng = np.random.default_rng(3)
    alone = [trial(100 + k, metrics={"accuracy": 0.5 + 0.3 * rng.random(), "n_params": 1000.0 + k}) for k in range(10)]
    others = [trial(200 + k) for k in range(5)]
    looks = [
        trial(k, proposal=replace(t.proposal, origin=SHARED, number=k), metrics={"accuracy": 0.9 + 0.005 * k, "n_params": 10.0})
        for k, t in enumerate([*alone, *others])
    ]
    found = search(0, others=[*looks, *alone], records=[epoch(1)])
    best = max(alone, key=lambda t: t.metrics["accuracy"])
    return replace(found, selection=replace(found.selection, winner=best.id, front=(best.id,)), model=None)


def test_what_was_trained_alone_is_held_against_what_was_looked_at(looked: ReportData) -> None:
    figure = reranked(looked)
    (axes,) = figure.axes
    x, y = axes.get_lines()[0].get_xydata().T
    assert len(x) == 10
    assert figure.get_suptitle().replace("\n", " ").startswith(f"Kendall's tau {kendalltau(x, y).statistic:.2f} among the 10")
    assert len(axes.get_lines()[1].get_xdata()) == 15  # all looks


def test_what_was_derived_is_held_against_its_place(search: Make, trial: MakeTrial) -> None:
    alone = [trial(k, metrics={"accuracy": 0.5 + 0.01 * k}) for k in range(6)]
    figure = reranked(search(0, others=alone, records=[epoch(1)]))
    (axes,) = figure.axes
    assert axes.get_lines()[0].get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    assert figure.get_suptitle().startswith("Kendall's tau -1.00")


def test_a_look_is_no_incumbent_and_on_no_front(looked: ReportData) -> None:
    at = {t.id: float(t.proposal.number) for t in looked.history}
    assert all(not t.proposal.is_look for _, _, t in best_so_far(looked, at))
    (axes,) = incumbent(looked, "trials").axes
    assert max(axes.get_lines()[0].get_ydata()) < 0.9
    assert len(next(dots for dots in axes.collections if dots.get_label() == "look, shared weights").get_offsets()) == 15
    (axes,) = pareto(looked, "n_params").axes
    assert sum(len(dots.get_offsets()) for dots in axes.collections if dots.get_label() == "trial") == 10


def test_effects_are_those_of_looks_where_these_are_more(looked: ReportData) -> None:
    (axes,) = decision_effects(looked).axes
    assert axes.get_xlabel().startswith("mean validation accuracy (%) ± standard error\n")
    assert axes.get_xlabel().endswith("the mean of all looks with shared weights, 93.5 %")


def test_without_trainings_there_is_no_incumbent(looked: ReportData) -> None:
    only = replace(looked, history=type(looked.history)(looked.history.looks))
    assert incumbent(only, "trials").get_suptitle() == "No incumbent"
    assert reranked(only).get_suptitle() == "Shared weights against training alone"
