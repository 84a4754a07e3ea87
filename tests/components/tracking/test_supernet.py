"""The training of shared weights in MLflow, and looks with them."""

import csv
import io
import math
from dataclasses import replace
from typing import Any

import pytest

from archsmith.tracking import Ended, SharedWeights, Tracker
from archsmith.tracking.content import MAX_POINTS, progress_points, spending_metrics, trial_table
from archsmith.values import Architecture, Fidelity, History, SupernetEpoch, Trial
from archsmith.values.proposals import SHARED
from archsmith.values.spending import spending
from archsmith.values.verdicts import Verdict

VERDICT = Verdict("collapse", "It has collapsed.", "Take a guard.")


def epoch(number: int, n_points: int = 2) -> SupernetEpoch:
    points = {f"normal.edge_{k}": {"skip_connect": 0.1 * number, "conv": 1 - 0.1 * number} for k in range(n_points)}
    derived = Architecture("chain", (2, "skip_connect", 16, "conv"))
    return SupernetEpoch(number, 10 * number, 2 / number, 3.0 * number, 1.5, 0.4, points, 0.5, None, derived)


def shared(n: int, *, files: bool = False) -> SharedWeights:
    return SharedWeights(tuple(map(epoch, range(1, n + 1))), {"heat.png": b"png"} if files else {})


def look_at(trial: Trial, accuracy: float) -> Trial:
    return replace(trial, proposal=replace(trial.proposal, origin=SHARED), metrics={"accuracy": accuracy, "n_params": 9.0})


@pytest.fixture
def nested(search, sqlite_uri, look) -> Any:
    """Returns MLflow's client, and the run of the shared weights."""

    def find() -> tuple[Any, Any]:
        mlflow = look(sqlite_uri)
        (found,) = [run for run in mlflow.nested(mlflow.runs()[0]) if run.info.run_name == "shared weights"]
        return mlflow, found

    return find


def test_each_epoch_is_logged_as_it_comes_and_the_run_ends_with_the_first_trial(search, make_trial, sqlite_uri, nested) -> None:
    tracker = Tracker(replace(search, began_at=1_699_999_900.0), sqlite_uri)
    tracker.sync([], shared(1))
    mlflow, run = nested()
    assert run.info.status == "RUNNING"
    assert run.data.metrics["val_accuracy"] == 0.4
    tracker.sync([], shared(3, files=True))
    tracker.sync([make_trial(0)], shared(3))
    mlflow, run = nested()
    began = 1_699_999_900_000
    assert mlflow.points(run, "train_loss") == [(e, 2 / e, began + 3000 * e) for e in (1, 2, 3)]
    assert [(s, v) for s, v, _ in mlflow.points(run, "p.normal.edge_1.skip_connect")] == [(e, 0.1 * e) for e in (1, 2, 3)]
    known = {"temperature": 0.5, "entropy": epoch(3).entropy, "skips": 1.0, "epochs": 3.0}
    assert {name: run.data.metrics[name] for name in known} == pytest.approx(known)
    assert "eigenvalue" not in run.data.metrics
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", began, began + 9000)
    assert mlflow.files(run) == ["heat.png"]


def test_to_log_again_changes_nothing_and_another_process_goes_on(search, make_trial, sqlite_uri, nested) -> None:
    for n in (1, 2, 2):
        Tracker(search, sqlite_uri).sync([], shared(n))
    Tracker(search, sqlite_uri).sync([make_trial(0)], shared(2))
    before = nested()[0].everything()
    Tracker(search, sqlite_uri).sync([make_trial(0)], shared(2))
    assert nested()[0].everything() == before
    Tracker(search, sqlite_uri).sync([make_trial(0)], shared(3))
    mlflow, run = nested()
    assert [s for s, _, _ in mlflow.points(run, "train_loss")] == [1, 2, 3]
    assert run.info.status == "FINISHED"


def test_many_choices_are_logged_in_requests_that_mlflow_takes(search, sqlite_uri, nested) -> None:
    n = MAX_POINTS // 2 + 10
    Tracker(search, sqlite_uri).sync([], SharedWeights((epoch(1, n), epoch(2, n))))
    _, run = nested()
    assert sum(name.startswith("p.") for name in run.data.metrics) == 2 * n
    assert run.data.metrics["epochs"] == 2


def test_a_look_is_told_from_a_training_and_never_the_best(search, make_trial, sqlite_uri, look) -> None:
    looks = [look_at(make_trial(k), 0.9 + 0.01 * k) for k in (0, 1)]
    trials = [*looks, make_trial(2, accuracy=0.5)]
    Tracker(search, sqlite_uri).sync(trials, shared(1))
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    names = [nested.info.run_name for nested in mlflow.nested(run)]
    assert names == ["look 0000", "look 0001", "shared weights", "trial 0002"]
    first = mlflow.nested(run)[0].data.tags
    assert first["archsmith.look"] == "true"
    assert "archsmith.look" not in mlflow.trials(run)[0].data.tags
    assert run.data.metrics["best_accuracy"] == 0.5
    assert (run.data.metrics["looks"], run.data.metrics["trials"]) == (2, 3)
    assert "looks" not in {point.key for point in progress_points([make_trial(2)], search.spec)}


def test_the_table_of_trials_says_whose_weights_they_had(search, make_trial) -> None:
    table = trial_table([look_at(make_trial(0), 0.9), make_trial(1)], search.decisions, in_rounds=False).decode()
    assert [row["weights"] for row in csv.DictReader(io.StringIO(table))] == ["shared", "own"]
    assert b"weights" not in trial_table([make_trial(1)], search.decisions, in_rounds=False)


def test_the_description_says_what_was_shared_and_what_to_mind(search, make_trial, sqlite_uri, look) -> None:
    search = replace(search, full=Fidelity(3, data=0.5), shares="Weights that all architectures share are trained.")
    tracker, trials = Tracker(search, sqlite_uri), [*(look_at(make_trial(k), 0.9) for k in range(4)), make_trial(4)]
    tracker.sync(trials, shared(2))
    ended = Ended(1_700_000_100.0, "a")
    tracker.publish({}, None, ended=ended, trials=trials, shared=shared(2), verdicts=[VERDICT])
    (run,) = look(sqlite_uri).runs()
    described = run.data.tags["mlflow.note.content"]
    assert "evolution; maximize accuracy" in described  # and not how many trials there may be, which is in the next sentence
    assert "Weights that all architectures share are trained." in described
    assert "Each trial is a run nested in this one, and so is the training of shared weights." in described
    assert "**Mind**: It has collapsed. Take a guard." in described
    assert "Trained shared weights for 2 epochs, looked at 4 architectures with them, trained 1 alone for 3 epochs" in described
    assert "| looks | 4 |" in described
    assert run.data.metrics["epochs_spent_on_shared_weights"] == pytest.approx(2 + 4 * 0.05)
    assert run.data.metrics["epochs_avoided_by_sharing"] == pytest.approx(4 * 3 - 2 - 4 * 0.05)


def test_a_loss_that_is_not_finite_is_left_out(search, sqlite_uri, nested) -> None:
    Tracker(search, sqlite_uri).sync([], SharedWeights((replace(epoch(1), val_loss=math.nan),)))
    assert "val_loss" not in nested()[1].data.metrics


def test_of_a_search_without_shared_weights_there_is_nothing_more(make_trial) -> None:
    found = spending(History.of([make_trial(0)]), Fidelity(3, data=0.5))
    assert spending_metrics(found) == {}
