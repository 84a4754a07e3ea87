"""What steps do with what an earlier run has left: a kill between two writes, a budget that ended in the middle."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from archsmith.ending import missing
from archsmith.errors import CorruptObjectError
from archsmith.opening import going_on
from archsmith.report.provenance import search_file
from archsmith.search import parse
from archsmith.steps.propose import propose
from archsmith.steps.publishing import publish as publish_best
from archsmith.steps.report import publish, read_data
from archsmith.steps.retrain import recipe_of, retrain
from archsmith.steps.select import select
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import TINY
from archsmith.testing.stores import Crash, CrashingStore

UNLIMITED = (", {metric: n_params, limit: 20000}", "")


def test_a_round_is_not_proposed_while_the_one_before_has_trials_to_run(staged_with: Callable) -> None:
    # A step's clock may end a moment before the sum of its trials' seconds says so.
    staged = staged_with(UNLIMITED, ("rounds: 3", "rounds: 3, minutes: 1"))
    first, second = staged.propose()
    staged.record(first, 0.5, seconds=59.5)
    assert propose(staged.folder, staged.search, 1) == 0
    assert staged.folder.rounds() == 1
    staged.record(second, 0.5, seconds=0.1)
    assert propose(staged.folder, staged.search, 1) == 2
    assert [p.number for p in staged.folder.proposals(1)] == [2, 3]


def test_a_round_has_no_more_proposals_than_the_budget_pays_for(staged_with: Callable) -> None:
    staged = staged_with(UNLIMITED, ("trials: 6, rounds: 3", "trials: 12, trainings: 5.5, rounds: 3"))
    assert propose(staged.folder, staged.search, 0) == 4
    for proposal in staged.folder.proposals(0):
        staged.record(proposal, 0.5)
    assert propose(staged.folder, staged.search, 1) == 2
    for proposal in staged.folder.proposals(1):
        staged.record(proposal, 0.5)
    assert propose(staged.folder, staged.search, 2) == 0


def test_what_a_kill_after_a_trial_was_written_has_left_is_cleared(staged_with: Callable) -> None:
    staged = staged_with()
    done, running = staged.propose()
    staged.record(done, 0.5)
    for proposal in (done, running):
        staged.folder.write_progress(proposal, ())
        staged.folder.write_checkpoint(proposal.id, b"state")
    staged.folder.write_checkpoint("retrain-0123456789ab", b"state")
    select(staged.folder, staged.search)
    assert set(staged.folder.progress()) == {running.id}
    assert staged.folder.read_checkpoint(done.id) is None
    assert staged.folder.read_checkpoint(running.id) == b"state"
    assert staged.folder.read_checkpoint("retrain-0123456789ab") == b"state"


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_whatever_mlflow_raises_the_search_has_its_report(staged_with: Callable, caplog: pytest.LogCaptureFixture) -> None:
    # MLflow imports the driver of a database, and so fails in a way of its own where there is none.
    staged = staged_with(("tracking: {enabled: false}", "tracking: {uri: 'mysql://team:secret@db/mlflow'}"))
    publish(staged.folder, staged.search, staged.store, read_data(staged.folder, staged.search, staged.store), {})
    assert f"`archsmith sync tiny --store {staged.store}`" in caplog.text
    assert str(missing(staged.folder)) in caplog.text
    assert "secret" not in caplog.text


def test_a_stored_file_that_is_valid_no_more_is_named_in_the_error(tmp_path: Path) -> None:
    folder = SearchFolder(open_store(str(tmp_path)), "tiny")
    folder.write_search(TINY.replace("retrain:", "retrian:"))
    with pytest.raises(CorruptObjectError, match=r"(?s)searches/tiny/search\.yaml:13: .*archsmith delete"):
        going_on(folder, parse(TINY), str(tmp_path))


def test_a_password_of_the_tracking_server_is_not_in_the_report(staged_with: Callable) -> None:
    staged = staged_with(("tracking: {enabled: false}", "tracking: {uri: 'https://team:sesame@mlflow.example'}"))
    data = read_data(staged.folder, staged.search, staged.store)
    assert "uri: https://***@mlflow.example" in search_file(data)
    assert "sesame" not in repr(data)


def test_what_killed_retrainings_have_left_is_cleared_once_the_winner_is_trained(staged_with: Callable) -> None:
    staged = staged_with()
    winner, _ = staged.run(0.9, 0.5)
    select(staged.folder, staged.search)
    model = staged.train(winner)
    recipe = recipe_of(staged.search, winner.id)
    staged.folder.write_json("best/model.json", {"recipe": recipe, "model": model.to_dict()})
    for key in (recipe, "of-another-winner"):
        staged.folder.write_checkpoint(f"retrain-{key}", b"state")
    staged.folder.write_progress(winner.proposal, ())
    assert retrain(staged.folder, staged.search, staged.store) == model
    assert staged.folder.store.list(staged.folder.key("checkpoints/")) == []
    assert staged.folder.progress() == {}


def test_the_files_of_a_trained_winner_belong_together_whenever_a_crash_came(staged_with: Callable) -> None:
    staged = staged_with()
    winner, other = staged.run(0.9, 0.5)
    old, new = staged.train(winner), staged.train(other)
    for writes in range(5):
        publish_best(staged.folder, "old", old, {"model.onnx": b"old", "model.pt2": b"old"})
        crashing = SearchFolder(CrashingStore(staged.folder.store, writes), staged.folder.name)
        with contextlib.suppress(Crash):
            publish_best(crashing, "new", new, {"model.onnx": b"new", "model.pt2": b"new"})
        known = staged.folder.read_json("best/model.json")
        if known is not None:
            assert {staged.folder.get(f"best/{name}").decode() for name in ("model.onnx", "model.pt2")} == {known["recipe"]}
