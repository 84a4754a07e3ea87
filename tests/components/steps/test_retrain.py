"""What is trained in full beside the winner: several of a front, or a trial that is named; killed, and changed later."""

import json
from collections.abc import Callable
from typing import Any

import onnxruntime
import pytest

from archsmith.errors import SpecError
from archsmith.evaluation.export import open_pt2
from archsmith.opening import going_on
from archsmith.search import Search, parse
from archsmith.steps.images import load_images
from archsmith.steps.publishing import publish
from archsmith.steps.retrain import recipe_of, retrain
from archsmith.steps.select import select
from archsmith.steps.work import Retraining
from archsmith.stores.folder import SearchFolder
from archsmith.testing.stores import Crash, CrashingStore
from archsmith.values import Proposal, digest
from archsmith.values.outcome import Selection, TrainedModel
from archsmith.views.live import status
from archsmith.views.snapshot import Snapshot, other_models

GOALS = ("{metric: n_params, limit: 20000}", "{metric: n_params, goal: minimize}")


def settings(retrain: str) -> tuple[str, str]:
    return "retrain: {epochs: 3}", f"retrain: {{epochs: 2{retrain}}}"


def later(search: Search, retrain: str) -> Search:
    """Return the search as a later run may have it: with another `retrain`."""
    return parse(search.text.replace("epochs: 3}", f"epochs: 2{retrain}}}"))


def trained(folder: SearchFolder) -> dict[str, str]:
    """Return the trial of the model in each folder."""
    names = [key.removeprefix(folder.key("")) for key in folder.store.list(folder.key("")) if key.endswith("/model.json")]
    return {name.removesuffix("/model.json"): folder.read_json(name)["model"]["trial"] for name in names}


class Trainer:
    """Trains nothing, leaves a checkpoint as a training does, and keeps account of what it is asked for."""

    def __init__(self, staged: Any) -> None:
        self.staged, self.begun, self.went_on = staged, list[str](), list[str]()

    def __call__(self, proposal: Proposal, key: str) -> tuple[TrainedModel, dict[str, bytes]]:
        folder = self.staged.folder
        (self.went_on if folder.read_checkpoint(key) else self.begun).append(proposal.id)
        folder.write_checkpoint(key, b"state")
        folder.write_progress(proposal, ())
        return model_of(proposal), {name: f"{name} of {proposal.id}".encode() for name in ("model.onnx", "model.pt2")}


def model_of(proposal: Proposal) -> TrainedModel:
    metrics, agreement = {"test_accuracy": 0.5, "n_params": 9.0, "flops": 9.0, "latency_s": 0.1}, {"onnx": 0.0}
    return TrainedModel(proposal.id, proposal.architecture, 2, 1, metrics, (), 1.0, 0, "cpu", ("a", "b"), (1, 8, 8), agreement)


@pytest.mark.cluster  # for its length; it needs none
def test_killed_between_any_two_writes_each_point_is_trained_once_and_lies_under_its_own_name(staged_with: Callable) -> None:
    crashes = 0
    for writes in range(30):
        staged = staged_with(("name: tiny", f"name: tiny-{writes}"), GOALS, settings(", front: 3"))
        folder, search, train = staged.folder, staged.search, Trainer(staged)
        trials = staged.run(0.5, 0.6, 0.7, 0.8, 0.9)  # each larger than the one before, so all are on the front
        ids = [trials[k].id for k in (4, 2, 0)]
        assert select(folder, search).retrained == tuple(ids)
        try:
            retrain(SearchFolder(CrashingStore(folder.store, writes), folder.name), search, staged.store, train=train)
        except Crash:
            crashes += 1
            assert set(trained(folder).values()) <= set(ids)
        winner = retrain(folder, search, staged.store, train=train)
        assert winner == model_of(trials[4].proposal)
        assert trained(folder) == {"best": ids[0], f"front/{ids[1]}": ids[1], f"front/{ids[2]}": ids[2]}
        assert folder.get(f"front/{ids[2]}/model.onnx") == f"model.onnx of {ids[2]}".encode()
        assert train.begun == ids  # none from the beginning twice
        assert (folder.progress(), folder.store.list(folder.key("checkpoints/"))) == ({}, [])
    assert 10 < crashes < 30  # beyond the last write there is no crash any more


def test_while_any_point_is_untrained_the_search_is_retraining(staged_with: Callable) -> None:
    staged = staged_with(GOALS, settings(", front: 2"))
    staged.run(0.5, 0.9)
    select(staged.folder, staged.search)
    with pytest.raises(Crash):
        retrain(SearchFolder(CrashingStore(staged.folder.store, 8), "tiny"), staged.search, staged.store, train=Trainer(staged))
    half = Snapshot.read(staged.folder, staged.search)
    assert (half.phase, half.model is not None, half.others) == ("retraining", True, {})
    retrain(staged.folder, staged.search, staged.store, train=Trainer(staged))
    whole = Snapshot.read(staged.folder, staged.search)
    assert (whole.phase, list(whole.others)) == ("reporting", list(whole.selection.others))
    assert whole.to_dict({})["others"] == [model.to_dict() for model in whole.others.values()]


def test_another_point_of_the_front_is_trained_tested_and_exported_as_the_winner_is(staged_with: Callable) -> None:
    staged = staged_with(GOALS, settings(", front: 2"))
    folder, search = staged.folder, staged.search
    small, large = staged.run(0.5, 0.9)
    select(folder, search)
    publish_as(folder, search, staged.train(large), "best")

    def train(proposal: Proposal, key: str) -> tuple[TrainedModel, dict[str, bytes]]:
        return Retraining(staged.store, search, load_images(search), 1, key)(proposal, 0)

    retrain(folder, search, staged.store, train=train)
    (model,) = other_models(folder, Selection(large.id, (), "", (small.id,))).values()
    assert model.epochs == len(model.curve) == 2
    assert model.metrics["test_accuracy"] * 359 == sum(row[k] for k, row in enumerate(model.confusion))
    about = json.loads(folder.get(f"front/{small.id}/architecture.json"))
    assert (about["trial"], about["architecture"]["id"]) == (small.id, small.proposal.architecture.id)
    session = onnxruntime.InferenceSession(folder.get(f"front/{small.id}/model.onnx"))
    assert session.get_inputs()[0].shape == ["batch", 1, 8, 8]
    told = json.loads(session.get_modelmeta().custom_metadata_map["archsmith.json"])
    assert told == open_pt2(folder.get(f"front/{small.id}/model.pt2"))[1]
    assert told["preprocessing"]["resize"] == {"height": 8, "width": 8, "filter": "bilinear", "antialias": True}
    assert len(json.loads(folder.get(f"front/{small.id}/examples.json"))) == 16


@pytest.mark.parametrize("by_number", [True, False])
def test_a_later_run_may_name_a_trial_to_be_trained_beside_the_winner(staged_with: Callable, by_number: bool) -> None:
    staged = staged_with()
    other, winner = staged.run(0.5, 0.9)
    named = str(other.proposal.number) if by_number else f'"{other.id}"'
    search = later(staged.search, f", trial: {named}")
    assert select(staged.folder, search).retrained == (winner.id, other.id)
    assert search.differences(staged.search) == []


@pytest.mark.parametrize("trial", ["0123456789ab", 7])
def test_a_trial_that_is_not_there_is_named_with_the_best_that_are(staged_with: Callable, trial: Any) -> None:
    staged = staged_with()
    poor, good = staged.run(0.5, 0.9)
    with pytest.raises(SpecError) as caught:
        select(staged.folder, later(staged.search, f", trial: {json.dumps(trial)}"))
    assert str(caught.value) == (
        f"spec.retrain.trial is {trial!r}, but the search has no such trial; give the number of one, or its id in quotes. "
        f"The best are: 1 ({good.id}), 0 ({poor.id})."
    )


def test_a_trial_that_has_failed_is_not_retrained(staged_with: Callable) -> None:
    staged = staged_with()
    staged.run(0.5, "DivergedError: nan")
    with pytest.raises(SpecError, match="but that trial has failed; give"):
        select(staged.folder, later(staged.search, ", trial: 1"))


def test_what_was_trained_before_is_moved_and_not_trained_again(staged_with: Callable) -> None:
    staged = staged_with(GOALS)
    small, large = staged.run(0.5, 0.9)
    folder, search = staged.folder, staged.search
    models = [staged.train(trial) for trial in (small, large)]
    publish_as(folder, search, models[1], "best")
    publish_as(folder, search, models[0], f"front/{small.id}")
    # The other one is the winner now.
    folder.write_json("selection.json", Selection(small.id, (small.id, large.id), "", (large.id,)).to_dict())
    before = {trial: folder.get(f"{place}/model.onnx") for trial, place in ((large.id, "best"), (small.id, f"front/{small.id}"))}
    model = retrain(folder, search, staged.store)  # training for real would give other files
    assert model is not None
    assert model.trial == small.id
    assert folder.get("best/model.onnx") == before[small.id]
    assert folder.get(f"front/{large.id}/model.onnx") == before[large.id]
    assert trained(folder) == {"best": small.id, f"front/{large.id}": large.id, f"front/{small.id}": small.id}


def test_a_limit_of_time_makes_another_model_and_none_makes_the_same_as_ever(staged_with: Callable) -> None:
    search = staged_with().search
    how = search.spec.training.model_dump_json()
    assert recipe_of(search, "ab") == digest(f"ab/3/{how}/0")  # as models have it that were trained before there was a limit
    limits = [later(search, f", minutes: {m}") for m in ("2", "2.0", "3")]
    first, same, other = (recipe_of(limited, "ab") for limited in limits)
    assert first == same != other
    assert first != recipe_of(later(search, ""), "ab")
    assert limits[0].differences(search) == []  # it may change when a search goes on


def test_of_limited_time_the_view_says_how_many_epochs_there_will_be_once_that_is_settled(staged_with: Callable) -> None:
    staged = staged_with(("retrain: {epochs: 3}", "retrain: {epochs: 30, minutes: 1}"))
    folder, search = staged.folder, staged.search
    (trial,) = staged.run(0.9)
    select(folder, search)
    for curve, settled, shown in (((), None, (30, 0)), (trial.curve[:1], 7, (7, 1))):
        folder.write_progress(trial.proposal, curve, settled)
        snapshot = Snapshot.read(folder, search)
        assert (snapshot.epochs_in_full, snapshot.progress) == (shown[0], shown)
        assert f"epoch {shown[1]} of {shown[0]}" in status(snapshot)


def publish_as(folder: SearchFolder, search: Search, model: Any, place: str) -> None:
    files = {"model.onnx": f"onnx of {model.trial}".encode(), "model.pt2": b"pt2"}
    publish(folder, recipe_of(search, model.trial), model, files, place)


def test_a_search_that_has_ended_stays_so_where_a_trial_is_named_that_it_has_not(staged_with: Callable) -> None:
    staged = staged_with()
    trials = staged.run(0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    staged.select()
    staged.train(trials[-1])
    staged.folder.mark(done=True)
    with pytest.raises(SpecError, match=r"spec\.retrain\.trial is 99, but the search has no such trial; .* The best are: 5 "):
        going_on(staged.folder, later(staged.search, ", trial: 99"), staged.store)
    assert staged.folder.is_done()
    named = later(staged.search, ", trial: 2")
    assert going_on(staged.folder, named, staged.store) == named
