import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

import archsmith
from archsmith.errors import NotFoundError, NoWinnerError
from archsmith.evaluation.export import export
from archsmith.testing.references import reference
from archsmith.values.references import Gain
from archsmith.views.result import Baseline, Result


def result(staged: Any) -> Result:
    return Result(staged.folder, staged.search, staged.store)


def test_it_is_what_the_package_gives() -> None:
    assert archsmith.Result is Result
    assert callable(archsmith.run)
    assert callable(archsmith.load)
    assert dir(archsmith) == ["Result", "__version__", "load", "run"]
    with pytest.raises(AttributeError, match="module 'archsmith' has no attribute 'nothing'"):
        _ = archsmith.nothing


def test_the_trials_are_a_table_with_metrics_and_decisions(staged: Any) -> None:
    trials = staged.run(0.7, "OutOfMemoryError: x.", 0.9)
    table = result(staged).trials
    assert isinstance(table, pd.DataFrame)
    assert list(table["number"]) == [0, 1, 2]
    assert list(table["status"]) == ["complete", "failed", "complete"]
    assert table["accuracy"].tolist()[::2] == [0.7, 0.9]
    assert math.isnan(table["accuracy"][1])
    assert table["error"][1] == "OutOfMemoryError: x."
    for row, trial in zip(table.to_dict("records"), trials, strict=True):
        for name, choice in staged.search.space.assignment(trial.proposal.architecture).items():
            assert row[name] == choice


@pytest.mark.parametrize("name", ["number", "seconds", "id", "accuracy", "epochs", "parent", "reason"])
def test_a_decision_takes_no_other_column(staged: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    staged.run(0.7, 0.9)
    plain = result(staged).trials
    monkeypatch.setattr(type(staged.search.space), "assignment", lambda _space, _architecture: {name: 4, "layers": 2})
    table = result(staged).trials
    assert table[f"decision.{name}"].tolist() == [4, 4]
    assert table["layers"].tolist() == [2, 2]
    assert table.get(name, plain["id"]).tolist() == plain.get(name, plain["id"]).tolist()


def test_the_best_is_the_trained_winner_and_its_model_computes(staged: Any) -> None:
    trials = staged.run(0.7, 0.9)
    model = staged.train(trials[1])
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    about = {"classes": list("0123456789"), "input_shape": [1, 8, 8]}
    staged.folder.put("best/model.pt2", export(network, torch.rand(4, 1, 8, 8), about).pt2)
    best = result(staged).best
    assert (best.trained, best.architecture, best.metrics) == (model, trials[1].proposal.architecture, model.metrics)
    x = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(best.model()(x), network(x))
    staged.folder.put("references/linear/model.pt2", staged.folder.get("best/model.pt2"))
    baseline = Baseline(reference("linear"), Gain(10, 9, 8), staged.folder)
    torch.testing.assert_close(baseline.model()(x), network(x))


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ((), "no trial has run"),
        (("DivergedError: d.",), "all 1 trials failed; the last one: DivergedError: d"),
        ((0.9,), "it is still searching"),
    ],
)
def test_without_a_trained_winner_there_is_no_best(staged: Any, outcomes: tuple[Any, ...], said: str) -> None:
    staged.run(*outcomes)
    with pytest.raises(NoWinnerError) as caught:
        _ = result(staged).best
    assert str(caught.value) == f"The search 'tiny' has no trained winner: {said}."


def test_a_notebook_shows_the_best_trials_first(staged: Any) -> None:
    assert result(staged)._repr_html_() == "<p>No trial is complete.</p>"
    staged.run(0.7, 0.9, "OutOfMemoryError: x.", 0.8)
    table = result(staged)._repr_html_()
    places = [table.index(f"<td>{accuracy}</td>") for accuracy in (0.9, 0.8, 0.7)]
    assert places == sorted(places)
    assert "OutOfMemoryError" not in table


def test_what_a_notebook_prints_is_short_and_has_a_picture(staged: Any) -> None:
    trials = staged.run(0.7, "OutOfMemoryError: x.", 0.9)
    staged.train(trials[2])
    found = result(staged)
    assert repr(found) == "<Result 'tiny': searching, 3 of 6 trials; best: trial 2, accuracy 0.9, n_params 1,502>"
    assert repr(found.best) == "<Best of 'tiny': test_accuracy 0.975, n_params 1,500, flops 2e+06>"
    assert repr(found.search) == "<Search 'tiny': evolution over chain, 6 trials>"
    assert repr(found.snapshot.history) == "<History of 3 trials>"
    own = replace(trials[2], metrics={"r2": 0.5})
    assert repr(own) == "<Trial 2, complete: r2 0.5>"
    assert [repr(trial) for trial in trials[:2]] == [
        "<Trial 0, complete: accuracy 0.7, n_params 1,500>",
        "<Trial 1, failed: OutOfMemoryError: x.>",
    ]
    for shown in (found.best._repr_svg_(), found._repr_html_()):
        assert shown.count("<svg") == 1
        assert all(node.label in shown for node in staged.search.space.graph(trials[2].proposal.architecture).nodes)


def test_a_search_that_was_begun_is_loaded_by_its_name(staged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    staged.run(0.7)
    assert len(archsmith.load("tiny", store=Path(staged.store)).trials) == 1
    monkeypatch.setenv("ARCHSMITH_STORE", staged.store)
    assert archsmith.load("tiny").report == staged.folder.uri("report/index.html")
    with pytest.raises(NotFoundError, match=r"There is no search 'tinny' .* it has: tiny"):
        archsmith.load("tinny")


def test_the_report_is_where_the_store_says(staged: Any) -> None:
    staged.report()
    assert result(staged).report == staged.folder.uri("report/index.html")
