"""Tracking against real MLflow on a sqlite file."""

import contextlib
import getpass
import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from archsmith.errors import PermanentError, UnavailableError
from archsmith.spec import NamedEstimation
from archsmith.tracking import Ended, SharedWeights, TrackedSearch, Tracker, Winner
from archsmith.tracking.content import trial_points, trial_table, trial_tags
from archsmith.tracking.dataset import dataset
from archsmith.tracking.description import note
from archsmith.tracking.session import connect
from archsmith.values import Fidelity, GoesOn, Proposal, SupernetEpoch, Trial
from archsmith.values.findings import Finding

ENDED = Ended(1_700_000_100.0, "all")
FILES = {"report.html": b"<html></html>", "pictures/winner.png": b"\x89PNG"}


class CrashError(BaseException):
    """The process is gone."""


class CrashingClient:
    """MLflow's client, that crashes right after its n-th call that changes something.

    A crash after a call that only reads, or before a call, leaves MLflow as one of these does.
    """

    def __init__(self, client: Any, n: int) -> None:
        self._client, self._n = client, n
        self.n_changes = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = getattr(self._client, name)(*args, **kwargs)
            if not name.startswith(("get_", "search_")):
                self.n_changes += 1
                if self.n_changes == self._n:
                    raise CrashError
            return result

        return call


def some(make_trial: Callable[..., Trial]) -> list[Trial]:
    return [make_trial(0), make_trial(1, "stopped"), make_trial(2, "failed", n_epochs=1), make_trial(3)]


def test_a_search_is_a_run_and_each_trial_a_run_nested_in_it(search, make_trial, sqlite_uri, look) -> None:
    assert Tracker(search, sqlite_uri).sync(some(make_trial)) == 4
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert run.info.run_name == "digits-chain"
    assert run.info.status == "RUNNING"
    names = [(t.info.run_name, t.info.status) for t in mlflow.trials(run)]
    assert names == [
        ("trial 0000", "FINISHED"),
        ("trial 0001", "KILLED"),
        ("trial 0002", "FAILED"),
        ("trial 0003", "FINISHED"),
    ]


def test_a_search_has_its_settings_and_its_file(search, sqlite_uri, look) -> None:
    Tracker(search, sqlite_uri).sync([])
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    expected = {"strategy.name": "evolution", "space.name": "chain", "space.layers": "[1, 4]", "seed": "7", "budget.trials": "12"}
    assert expected.items() <= run.data.params.items()
    path = mlflow.client.download_artifacts(run.info.run_id, "search.yaml")
    assert Path(path).read_text() == search.text


def test_a_trial_has_its_active_decisions_and_its_fidelity_as_params(search, make_trial, sqlite_uri, look) -> None:
    Tracker(search, sqlite_uri).sync([make_trial(5)])
    mlflow = look(sqlite_uri)
    (trial,) = mlflow.trials(mlflow.runs()[0])
    assert trial.data.params == {
        "decision.layers": "5",
        "decision.op_1": "conv",
        "decision.filters_1": "16",
        "fidelity.epochs": "3",
        "fidelity.data": "0.5",
        "fidelity.width": "1.0",
        "fidelity.depth": "1.0",
        "fidelity.resolution": "1.0",
        "architecture": make_trial(5).proposal.architecture.id,
        "seed": "5",
        "device": "cpu",
    }


def test_a_trial_has_its_curve_by_epoch_and_its_own_times(search, make_trial, sqlite_uri, look) -> None:
    trial = make_trial(2)
    Tracker(search, sqlite_uri).sync([trial])
    mlflow = look(sqlite_uri)
    (run,) = mlflow.trials(mlflow.runs()[0])
    began = 1_700_000_012_500  # it ended at 1_700_000_020 s after 7.5 s
    assert mlflow.points(run, "train_loss") == [(e, 1 / e, began + 2000 * e) for e in (1, 2, 3)]
    assert mlflow.points(run, "accuracy") == [(3, 0.52, 1_700_000_020_000)]
    assert (run.info.start_time, run.info.end_time) == (began, 1_700_000_020_000)


def test_a_trial_that_went_on_has_the_whole_curve_and_its_own_times(search, make_trial, sqlite_uri, look) -> None:
    trial = make_trial(2)  # its records of 2 s an epoch, the first of them another trial's
    trial = replace(trial, proposal=replace(trial.proposal, origin=GoesOn("0123456789ab", 1)), seconds=4.0)
    Tracker(search, sqlite_uri).sync([trial])
    mlflow = look(sqlite_uri)
    (run,) = mlflow.trials(mlflow.runs()[0])
    began = 1_700_000_016_000
    late = trial_points(replace(trial, seconds=1.0))  # not all of its time was counted
    assert max(point.timestamp_ms for point in late) == 1_700_000_020_000
    assert mlflow.points(run, "train_loss") == [(1, 1.0, began), (2, 1 / 2, began + 2000), (3, 1 / 3, began + 4000)]
    assert (run.info.start_time, run.info.end_time) == (began, 1_700_000_020_000)
    tags = {"archsmith.goes_on": "0123456789ab", "archsmith.epochs_before": "1", "archsmith.rung": "3 epochs, 50 % of the images"}
    assert tags.items() <= run.data.tags.items()


def test_a_search_with_rungs_says_what_they_have_avoided(search, make_trial, sqlite_uri, look) -> None:
    search = replace(search, full=Fidelity(9, data=0.5))
    tracker, trials = Tracker(search, sqlite_uri), [make_trial(0), make_trial(1, "stopped", n_epochs=2)]
    tracker.sync(trials)
    tracker.publish({}, None, ended=Ended(1_700_000_100.0, "a"), trials=trials)
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    # 3 and 2 of 9 epochs each
    found = {k: v for k, v in run.data.metrics.items() if k.startswith("epochs_")}
    assert found == {
        "epochs_spent": 5,
        "epochs_avoided_by_rungs": 12,
        "epochs_avoided_by_stopping": 1,
        "epochs_avoided_by_going_on": 0,
    }
    assert "Trained 5 of the 18 epochs that 2 architectures in full take" in run.data.tags["mlflow.note.content"]
    assert "| 3 epochs, 50 % of the images | 2 |" in run.data.tags["mlflow.note.content"]


def test_a_failed_trial_has_its_error_and_its_origin_as_tags(search, make_trial, sqlite_uri, look) -> None:
    Tracker(search, sqlite_uri).sync([make_trial(9, "failed")])
    mlflow = look(sqlite_uri)
    tags = mlflow.trials(mlflow.runs()[0])[0].data.tags
    expected = {
        "archsmith.trial": make_trial(9).id,
        "archsmith.reason": "mutation",
        "archsmith.error": "DivergedError: the loss is nan",
    }
    assert expected.items() <= tags.items()
    assert "archsmith.round" not in tags


def test_a_trial_says_its_round_where_the_search_has_rounds(search, make_trial) -> None:
    trial = make_trial(9)
    assert trial_tags(trial, in_rounds=True)["archsmith.round"] == "2"
    heads = [trial_table([trial], search.decisions, in_rounds=named).split(b"\n")[0].decode() for named in (True, False)]
    assert [head.split(",")[:4] for head in heads] == [
        ["number", "trial", "round", "status"],
        ["number", "trial", "status", "fidelity"],
    ]


def test_a_diverged_curve_is_logged_as_it_is(search, make_trial, sqlite_uri, look) -> None:
    trial = make_trial(0, "failed")
    trial = replace(trial, curve=(replace(trial.curve[0], train_loss=math.nan, val_loss=math.inf),))
    Tracker(search, sqlite_uri).sync([trial])
    assert "train_loss" not in {point.key for point in trial_points(replace(trial, status="complete", error=None))}  # of a table
    mlflow = look(sqlite_uri)
    (run,) = mlflow.trials(mlflow.runs()[0])
    assert math.isnan(mlflow.points(run, "train_loss")[0][1])
    assert mlflow.points(run, "val_loss")[0][1] > 1e300


def test_more_decisions_and_epochs_than_a_request_holds_are_all_logged(search, make_trial, sqlite_uri, look) -> None:
    search = replace(search, decisions=tuple(f"d[{i}]" for i in range(250)))
    trial = make_trial(0, n_epochs=700)
    architecture = replace(trial.proposal.architecture, choices=tuple(range(250)))
    Tracker(search, sqlite_uri).sync([replace(trial, proposal=replace(trial.proposal, architecture=architecture))])
    mlflow = look(sqlite_uri)
    (run,) = mlflow.trials(mlflow.runs()[0])
    assert {run.data.params[f"decision.d_{i}_"] for i in range(250)} == {str(i) for i in range(250)}
    assert [step for step, _, _ in mlflow.points(run, "val_accuracy")] == list(range(1, 701))


def test_the_search_shows_the_best_within_the_limits_so_far(search, make_trial, sqlite_uri, look) -> None:
    trials = [make_trial(0, accuracy=0.6), make_trial(1, accuracy=0.5), make_trial(2, accuracy=0.9), make_trial(3, accuracy=0.7)]
    too_large = replace(trials[2], metrics={"accuracy": 0.9, "n_params": 5001.0})
    Tracker(search, sqlite_uri).sync([*trials[:2], too_large, trials[3], make_trial(4, "failed")])
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert [(s, v) for s, v, _ in mlflow.points(run, "best_accuracy")] == [(1, 0.6), (2, 0.6), (3, 0.6), (4, 0.7), (5, 0.7)]
    assert [(s, v) for s, v, _ in mlflow.points(run, "best_n_params")] == [(s, 1000.0) for s in range(1, 6)]
    assert run.data.metrics["trials"] == 5
    assert run.data.metrics["trials_failed"] == 1


def test_logging_twice_changes_nothing(search, make_trial, sqlite_uri, look) -> None:
    tracker, trials = Tracker(search, sqlite_uri), some(make_trial)
    tracker.sync(trials)
    once = look(sqlite_uri).snapshot()
    assert tracker.sync(trials) == 0
    assert Tracker(search, sqlite_uri).sync(trials) == 0
    assert look(sqlite_uri).snapshot() == once


def test_a_finished_search_that_is_looked_at_does_not_change(search, make_trial, winner, facts, sqlite_uri, look) -> None:
    search, trials = replace(search, data=facts, began_at=1_699_999_990.0), some(make_trial)

    def look_at() -> None:
        tracker = Tracker(search, sqlite_uri)
        tracker.sync(trials)
        tracker.publish(FILES, winner, ended=ENDED, trials=trials)

    look_at()
    once = look(sqlite_uri).everything()
    look_at()
    assert look(sqlite_uri).everything() == once


def test_a_search_that_is_logged_late_has_the_times_of_the_search(search, make_trial, winner, sqlite_uri, look) -> None:
    trials = some(make_trial)
    tracker = Tracker(replace(search, began_at=1_699_999_990.25), sqlite_uri)
    tracker.sync(trials)
    tracker.publish(FILES, winner, ended=ENDED, trials=trials)
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert (run.info.start_time, run.info.end_time) == (1_699_999_990_250, 1_700_000_100_000)
    (own,) = mlflow.winners(run)
    assert (own.info.start_time, own.info.end_time) == (1_700_000_098_000, 1_700_000_100_000)  # its training took 2 s
    assert {time for _, _, time in mlflow.points(run, "test_accuracy")} == {1_700_000_100_000}


def test_a_search_whose_beginning_nobody_noted_began_with_its_first_trial(search, make_trial, sqlite_uri, look) -> None:
    Tracker(search, sqlite_uri).sync([make_trial(3), make_trial(2)])
    assert look(sqlite_uri).runs()[0].info.start_time == 1_700_000_012_500


def test_what_was_found_in_the_images_is_in_the_description_and_the_profile(search, facts) -> None:
    found = replace(search, data=replace(facts, findings=(Finding("leakage", "Two test images were trained on.", 2),)))
    assert "Two test images were trained on." in note(found)
    assert json.loads(dataset(found).profile)["findings"][0]["kind"] == "leakage"


def test_a_search_says_what_it_measures_on_and_who_ran_it(search, make_trial, facts, sqlite_uri, look) -> None:
    Tracker(replace(search, data=facts), sqlite_uri).sync([make_trial(0)])
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    (seen,) = run.inputs.dataset_inputs
    assert (seen.dataset.name, seen.dataset.digest) == ("digits", "5eed" * 8)
    assert [(t.key, t.value) for t in seen.tags] == [("mlflow.data.context", "search")]
    profile = json.loads(seen.dataset.profile)
    assert (profile["n_train"], profile["n_validation"], profile["n_test"]) == (50, 13, 10)
    assert profile["by_class"]["validation"] == {"cat": 8, "dog": 5}
    schema = json.loads(json.loads(seen.dataset.schema)["mlflow_tensorspec"]["features"])
    assert schema[0]["tensor-spec"] == {"dtype": "float32", "shape": [-1, 1, 8, 8]}
    images = {key: value for key, value in run.data.params.items() if key.startswith("images.")}
    assert images == {
        "images.train": "50",
        "images.validation": "13",
        "images.test": "10",
        "images.classes": "2",
        "images.shape": "1×8×8",
        "images.left_out": "1",
    }
    note = run.data.tags["mlflow.note.content"]
    assert "50 train, 13 validation, 10 test images of 2 classes" in note
    assert "maximize accuracy" in note
    for made in (run, *mlflow.trials(run)):
        assert made.data.tags["mlflow.user"] == getpass.getuser() == made.info.user_id
        assert made.data.tags["archsmith.version"] == metadata.version("archsmith")


def test_data_without_a_fingerprint_are_told_apart_by_what_is_known_of_them(search, facts, sqlite_uri, look) -> None:
    facts = replace(facts, digest="")
    for n, counts in enumerate([facts.counts, facts.counts | {"test": (1, 1)}]):
        named = replace(search, identity=str(n), data=replace(facts, counts=counts))
        Tracker(named, sqlite_uri).sync([])
    digests = {run.inputs.dataset_inputs[0].dataset.digest for run in look(sqlite_uri).runs()}
    assert len(digests) == 2
    assert all(digest.startswith("of-facts-") for digest in digests)


def test_a_search_over_a_table_has_the_table_as_its_input(search, sqlite_uri, look) -> None:
    table = NamedEstimation(name="table", path="s3://tables/nas.csv")
    spec = search.spec.model_copy(update={"data": None, "estimation": table})
    Tracker(replace(search, spec=spec, source_digest="ab" * 16), sqlite_uri).sync([])
    (run,) = look(sqlite_uri).runs()
    (seen,) = run.inputs.dataset_inputs
    assert (seen.dataset.name, seen.dataset.digest, seen.dataset.source_type) == ("nas.csv", "ab" * 16, "s3")
    assert "Looked up in the table `nas.csv`" in run.data.tags["mlflow.note.content"]


def test_the_trials_are_there_as_a_table(search, make_trial, winner, sqlite_uri, look, tmp_path) -> None:
    trials = some(make_trial)
    tracker = Tracker(search, sqlite_uri)
    tracker.sync(trials)
    tracker.publish({}, winner, ended=ENDED, trials=trials)
    mlflow = look(sqlite_uri)
    table = pd.read_csv(mlflow.client.download_artifacts(mlflow.runs()[0].info.run_id, "trials.csv"))
    assert list(table["trial"]) == [t.id for t in trials]
    assert list(table["status"]) == ["complete", "stopped", "failed", "complete"]
    assert list(table["accuracy"].dropna()) == [t.metrics["accuracy"] for t in trials if t.metrics]
    assert list(table["decision.layers"]) == [0, 1, 2, 3]
    assert table["decision.units"].isna().all()
    assert table["error"][2] == "DivergedError: the loss is nan"


def test_more_trials_than_one_turn_logs_are_all_logged(search, make_trial, sqlite_uri, monkeypatch) -> None:
    monkeypatch.setattr("archsmith.tracking.tracker.A_TURN", 2)
    trials = [make_trial(n) for n in range(5)]
    assert Tracker(search, sqlite_uri).sync(trials) == 5
    assert Tracker(search, sqlite_uri).sync(trials) == 0


def test_trials_that_come_one_by_one_end_up_as_if_all_at_once(search, make_trial, sqlite_uri, look, tmp_path) -> None:
    trials = some(make_trial)
    tracker = Tracker(search, sqlite_uri)
    assert [tracker.sync(trials[:n]) for n in range(5)] == [0, 1, 1, 1, 1]
    other = f"sqlite:///{tmp_path / 'other.db'}"
    Tracker(search, other).sync(trials)
    assert look(sqlite_uri).snapshot() == look(other).snapshot()


def crash_everywhere(do: Callable[[Tracker], object], search: TrackedSearch, look: Any, folder: Path) -> int:
    """Crash after each change of what is done, have it done again as another process would, and compare what is there.

    Returns:
        How many changes there are.
    """
    empty = (folder / "mlflow.db").read_bytes()

    def run(n: int) -> tuple[int, Any]:
        (folder / str(n)).mkdir()
        (folder / str(n) / "mlflow.db").write_bytes(empty)
        uri = f"sqlite:///{folder / str(n) / 'mlflow.db'}"
        client = CrashingClient(connect(uri), n)
        for tracker in (Tracker(search, uri, connect=lambda _: client), Tracker(search, uri)):
            with contextlib.suppress(CrashError):
                do(tracker)
        return client.n_changes, look(uri).snapshot()

    n_changes, expected = run(0)  # which does not crash
    for n in range(1, n_changes + 1):
        assert run(n) == (n, expected), f"change {n}"
    return n_changes


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_crash_while_trials_are_logged_is_made_good_by_the_next_catch_up(
    search, make_trial, sqlite_uri, look, tmp_path
) -> None:
    trials = [make_trial(0), make_trial(1, "failed")]
    records = tuple(SupernetEpoch(e, e, 1.0, 2.0 * e, probabilities={"edge": {"a": 0.5, "b": 0.5}}) for e in (1, 2))
    shared = SharedWeights(records, {"heat.png": b"png"})
    assert crash_everywhere(lambda tracker: tracker.sync(trials, shared), search, look, tmp_path) > 11


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_crash_while_the_winner_is_published_is_made_good_too(search, make_trial, winner, sqlite_uri, look, tmp_path) -> None:
    def publish(tracker: Tracker) -> None:
        tracker.publish(FILES, winner, ended=ENDED, trials=[make_trial(0)])

    assert crash_everywhere(publish, search, look, tmp_path) > 12


def test_two_trackers_that_do_not_know_of_each_other_leave_one_run_a_trial(search, make_trial, sqlite_uri, look) -> None:
    first, second, trials = Tracker(search, sqlite_uri), Tracker(search, sqlite_uri), some(make_trial)
    first.sync([])
    second.sync(trials[:2])
    assert first.sync(trials) == 2
    assert second.sync(trials) == 0
    mlflow = look(sqlite_uri)
    assert len(mlflow.trials(mlflow.runs()[0])) == 4


def test_a_run_that_two_processes_made_at_the_same_moment_is_kept_once(search, make_trial, sqlite_uri, look) -> None:
    class Interrupted:
        """A client during whose first `create_run` of each kind another process does it all."""

        def __init__(self, client: Any) -> None:
            self._client, self._n = client, 0

        def __getattr__(self, name: str) -> Any:
            if name == "create_run":
                self._n += 1
                if self._n <= 2:
                    Tracker(search, unlocked).sync(trials if self._n == 2 else [])
            return getattr(self._client, name)

    trials = some(make_trial)
    unlocked = f"{sqlite_uri}?timeout=20"  # which is not recognised as this file, so that both write it at once
    client = Interrupted(connect(sqlite_uri))
    Tracker(search, sqlite_uri, connect=lambda _: client).sync(trials)
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert [t.info.status for t in mlflow.trials(run)] == ["FINISHED", "KILLED", "FAILED", "FINISHED"]


def test_a_search_made_anew_under_the_same_name_gets_a_run_of_its_own(search, make_trial, sqlite_uri, look) -> None:
    for identity in ("first", "second"):
        Tracker(replace(search, identity=identity), sqlite_uri).sync([make_trial(0)])
    mlflow = look(sqlite_uri)
    assert [len(mlflow.trials(run)) for run in mlflow.runs()] == [1, 1]


def test_a_search_that_goes_on_with_a_larger_budget_stays_in_its_run(search, make_trial, sqlite_uri, look) -> None:
    Tracker(search, sqlite_uri).sync([make_trial(0)])
    spec = search.spec.model_copy(update={"budget": search.spec.budget.model_copy(update={"trials": 99})})
    Tracker(replace(search, spec=spec, text="kind: Search # more\n"), sqlite_uri).sync([make_trial(0), make_trial(1)])
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert len(mlflow.trials(run)) == 2
    assert "more" in Path(mlflow.client.download_artifacts(run.info.run_id, "search.yaml")).read_text()


def test_a_run_deleted_by_hand_is_made_again(search, make_trial, sqlite_uri, look) -> None:
    tracker = Tracker(search, sqlite_uri)
    tracker.sync([make_trial(0)])
    mlflow = look(sqlite_uri)
    mlflow.client.delete_run(mlflow.runs()[0].info.run_id)
    assert tracker.sync([make_trial(0), make_trial(1)]) == 2


def test_the_run_that_mlflow_run_id_names_is_linked_and_stays_as_it_is(
    search, make_trial, winner, sqlite_uri, look, tmp_path, monkeypatch
) -> None:
    client = look(sqlite_uri).client
    experiment = client.create_experiment("KFP-Default", artifact_location=(tmp_path / "theirs").as_uri())
    pipeline = client.create_run(experiment, run_name="pipeline").info.run_id
    tasks = [client.create_run(experiment, tags={"mlflow.parentRunId": pipeline}).info.run_id for _ in range(2)]
    trials = some(make_trial)
    for task, n in zip(tasks, (2, 4), strict=True):  # as two pods of one search do
        monkeypatch.setenv("MLFLOW_RUN_ID", task)
        Tracker(search, sqlite_uri).sync(trials[:n])
    mlflow = look(sqlite_uri)
    (run,) = mlflow.runs()
    assert len(mlflow.trials(run)) == 4
    assert run.data.tags["archsmith.pipeline_run"] == pipeline
    for task in tasks:
        theirs = client.get_run(task)
        assert theirs.data.tags["archsmith.run"] == run.info.run_id
        assert f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}" in theirs.data.tags["mlflow.note.content"]
        assert (theirs.info.status, theirs.data.params, theirs.data.metrics) == ("RUNNING", {}, {})


def test_a_run_id_that_this_mlflow_does_not_know_changes_nothing(search, make_trial, sqlite_uri, look, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0123456789abcdef0123456789abcdef")
    assert Tracker(search, sqlite_uri).sync([make_trial(0)]) == 1
    assert "archsmith.pipeline_run" not in look(sqlite_uri).runs()[0].data.tags


def test_an_experiment_that_is_made_says_that_it_is_about_training(search, sqlite_uri, look) -> None:
    Tracker(search, sqlite_uri).sync([])
    made = look(sqlite_uri).client.get_experiment_by_name("archsmith")
    assert made.tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_deleted_experiment_is_named_with_what_to_do(search, sqlite_uri, look) -> None:
    client = look(sqlite_uri).client
    client.delete_experiment(client.create_experiment("archsmith"))
    with pytest.raises(PermanentError, match=r"'archsmith' is deleted in MLflow.*mlflow experiments restore"):
        Tracker(search, sqlite_uri).sync([])


def test_a_database_that_cannot_be_opened_is_unavailable(search, tmp_path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database " * 100)
    with pytest.raises(UnavailableError, match="archsmith sync"):
        Tracker(search, f"sqlite:///{tmp_path / 'mlflow.db'}").sync([])


def test_a_password_is_in_no_error_and_not_in_mlflow(search, sqlite_uri, look) -> None:
    with pytest.raises(UnavailableError) as caught:
        Tracker(search, "http://me:secret@127.0.0.1:9").sync([])
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    Tracker(replace(search, text="uri: http://me:secret@host\n"), sqlite_uri).sync([])
    mlflow = look(sqlite_uri)
    path = mlflow.client.download_artifacts(mlflow.runs()[0].info.run_id, "search.yaml")
    assert Path(path).read_text() == "uri: http://***@host\n"


def test_nothing_of_mlflow_is_shown(search, make_trial, winner, tmp_path, capfd, caplog) -> None:
    tracker = Tracker(search, f"sqlite:///{tmp_path}/new.db")
    tracker.sync(some(make_trial))
    tracker.publish(FILES, winner, ended=ENDED)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


@pytest.mark.cluster  # for its length; it needs none
def test_a_server_that_never_answers_costs_seconds(search, make_trial, silent_uri) -> None:
    began = time.monotonic()
    with pytest.raises(UnavailableError):
        Tracker(search, silent_uri).sync([make_trial(0)])
    assert time.monotonic() - began < 60  # MLflow by itself tries for minutes


def test_a_tracked_search_goes_to_json_and_back(search: TrackedSearch) -> None:
    for one in (search, replace(search, full=Fidelity(3, data=0.5))):
        assert TrackedSearch.from_dict(one.to_dict()) == one


def test_an_example_that_does_not_fit_the_model_is_refused(winner: Winner) -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 8, 8\), but must hold images of \(2, 3, 3\)"):
        replace(winner, example=winner.example.reshape(-1)[:36].repeat(2)[:64].reshape(1, 8, 8))


def test_the_same_architecture_at_another_fidelity_is_another_trial(search, make_trial, sqlite_uri) -> None:
    trial = make_trial(0)
    longer = replace(trial, proposal=Proposal(trial.proposal.architecture, Fidelity(9), number=1))
    assert Tracker(search, sqlite_uri).sync([trial, longer]) == 2
