"""What the winner is held to: simple networks, trained as it was; killed, failing, and with another winner."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from archsmith.errors import DivergedError, PermanentError, UnavailableError
from archsmith.evaluation.comparison import known
from archsmith.evaluation.export import open_pt2
from archsmith.steps.deadline import training_s
from archsmith.steps.finished import end, is_finished
from archsmith.steps.images import load_images
from archsmith.steps.publishing import publish
from archsmith.steps.references import Referred, hold, limit_s
from archsmith.steps.retrain import retrain
from archsmith.steps.select import select
from archsmith.stores.folder import SearchFolder
from archsmith.stores.references import TESTED, Referring, bytes_of_known
from archsmith.testing.stores import Crash, CrashingStore
from archsmith.values import Proposal
from archsmith.values.outcome import TrainedModel
from archsmith.values.references import Gain, Reference, ReferenceName, place_of

HELD = ("baseline: none", "baseline: simple")

KNOWN: dict[str, str] = {"best": "1110", "linear": "1001", "residual": "1110"}
"""Of four test images, those that each network knows."""

METRICS = {"test_accuracy": 0.75, "n_params": 9.0, "flops": 9.0, "latency_s": 0.1}


@dataclass
class Trainer:
    """Trains nothing, leaves a checkpoint as a training does, and keeps account of what it is asked for."""

    staged: Any
    errors: dict[str, Exception] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)

    def __call__(self, name: ReferenceName, key: str) -> Referred:
        folder = self.staged.folder
        if folder.read_checkpoint(key) is None:
            self.begun.append(name)
        folder.write_checkpoint(key, b"state")
        folder.write_referring(Referring(name, 3, ()))
        if name in self.errors:
            raise self.errors[name]
        metrics = {"test_accuracy": KNOWN[name].count("1") / 4, "n_params": 650.0, "flops": 640.0, "latency_s": 1e-4}
        reference = Reference(name, f"a {name}", 3, 3, 2, metrics, (), 1.0, 0, "cpu", {"onnx": 0.0})
        return reference, {"model.onnx": f"onnx of {name}".encode(), TESTED: knows(name)}


def knows(name: str) -> bytes:
    return bytes_of_known([digit == "1" for digit in KNOWN[name]])


def model_of(proposal: Proposal) -> TrainedModel:
    shape, confusion = (1, 8, 8), ((2, 1), (0, 1))
    return TrainedModel(
        proposal.id, proposal.architecture, 3, 1, METRICS, (), 1.0, 0, "cpu", ("a", "b"), shape, {"onnx": 0.0}, confusion
    )


def train(proposal: Proposal, _: str) -> tuple[TrainedModel, dict[str, bytes]]:
    return model_of(proposal), {"model.onnx": b"onnx", TESTED: knows("best")}


def selected(staged: Any) -> Proposal:
    """Run a trial, and select it."""
    (trial,) = staged.run(0.9)
    select(staged.folder, staged.search)
    return trial.proposal


def test_killed_between_any_two_writes_each_reference_is_trained_once(staged_with: Callable) -> None:
    crashes = 0
    for writes in range(30):
        staged = staged_with(("name: tiny", f"name: tiny-{writes}"), HELD)
        winner, refer = model_of(selected(staged)), Trainer(staged)
        try:
            crashing = SearchFolder(CrashingStore(staged.folder.store, writes), staged.folder.name)
            retrain(crashing, staged.search, staged.store, train=train, refer=refer)
        except Crash:
            crashes += 1
        retrain(staged.folder, staged.search, staged.store, train=train, refer=refer)
        worth = staged.folder.worth(winner.mark)
        assert refer.begun == ["linear", "residual"]  # none from the beginning twice
        assert {held.reference.name: held.gain for held in worth.held} == {
            "linear": Gain(4, 3, 2, 2),
            "residual": Gain(4, 3, 3, 0),
        }
        assert staged.folder.get("references/linear/model.onnx") == b"onnx of linear"
        assert (staged.folder.referring(), staged.folder.store.list(staged.folder.key("checkpoints/"))) == (None, [])
    assert 10 < crashes < 30  # beyond the last write there is no crash any more


def test_a_search_without_references_trains_none(staged_with: Callable) -> None:
    staged = staged_with()
    winner, refer = model_of(selected(staged)), Trainer(staged)
    retrain(staged.folder, staged.search, staged.store, train=train, refer=refer)
    assert (refer.begun, staged.folder.worth(winner.mark)) == ([], None)


@pytest.mark.parametrize("error", [DivergedError("nan"), PermanentError("killed"), RuntimeError("of torch")], ids=repr)
def test_a_reference_that_fails_fails_alone_and_is_tried_again_by_a_later_run(staged_with: Callable, error: Exception) -> None:
    staged = staged_with(HELD)
    winner, refer = model_of(selected(staged)), Trainer(staged, {"linear": error})
    assert retrain(staged.folder, staged.search, staged.store, train=train, refer=refer) == winner
    worth = staged.folder.worth(winner.mark)
    assert [held.reference.name for held in worth.held] == ["residual"]
    assert worth.failed == {"linear": f"{type(error).__name__}: {error}"}
    refer.errors.clear()
    retrain(staged.folder, staged.search, staged.store, train=train, refer=refer)
    assert (staged.folder.worth(winner.mark).failed, refer.begun) == ({}, ["linear", "residual", "linear"])


def test_a_store_that_does_not_answer_is_no_fault_of_the_reference(staged_with: Callable) -> None:
    staged = staged_with(HELD)
    winner = model_of(selected(staged))
    with pytest.raises(UnavailableError):
        retrain(
            staged.folder, staged.search, staged.store, train=train, refer=Trainer(staged, {"residual": UnavailableError("away")})
        )
    assert staged.folder.worth(winner.mark) is None


def test_another_winner_of_the_same_size_is_held_to_the_same_references(staged_with: Callable) -> None:
    staged = staged_with(HELD)
    winner, refer = model_of(selected(staged)), Trainer(staged)
    folder, search = staged.folder, staged.search
    publish(folder, "r", winner, {TESTED: knows("best")})
    hold(folder, search, staged.store, winner, refer=refer)
    other = replace(winner, trial="0" * 12, seed=1)
    hold(folder, search, staged.store, other, refer=refer)
    assert refer.begun == ["linear", "residual"]
    assert (folder.worth(winner.mark), folder.worth(other.mark) is None) == (None, False)
    larger = replace(winner, metrics={**winner.metrics, "n_params": 10.0})
    hold(folder, search, staged.store, larger, refer=refer)
    assert refer.begun == ["linear", "residual", "residual"]
    longer = replace(larger, epochs=4)
    hold(folder, search, staged.store, longer, refer=refer)
    assert refer.begun[3:] == ["linear", "residual"]


@pytest.mark.parametrize(
    ("seconds", "minutes", "most_s"),
    [(50.0, "", 50.0), (0.5, "", 30.0), (50.0, ", minutes: 0.75", 45.0), (3.0, ", minutes: 0.1", 6.0)],
)
def test_a_reference_takes_no_longer_than_its_winner_but_for_the_shortest(
    staged_with: Callable, seconds: float, minutes: str, most_s: float
) -> None:
    staged = staged_with(HELD, ("retrain: {epochs: 3}", f"retrain: {{epochs: 3{minutes}}}"))
    winner = replace(model_of(selected(staged)), seconds=seconds)
    assert limit_s(winner, training_s(staged.folder, staged.search)) == pytest.approx(most_s)


@pytest.mark.parametrize("damage", [None, b"{}", b'{"known": "12"}', bytes_of_known([True] * 5)])
def test_where_it_is_not_known_which_images_the_winner_knows_their_numbers_are_compared(
    staged_with: Callable, damage: bytes | None
) -> None:
    staged = staged_with(HELD)
    winner = model_of(selected(staged))
    publish(staged.folder, "r", winner, {} if damage is None else {TESTED: damage})
    worth = hold(staged.folder, staged.search, staged.store, winner, refer=Trainer(staged))
    assert [held.gain for held in worth.held] == [Gain(4, 3, 2), Gain(4, 3, 3)]


def test_a_search_has_not_ended_where_a_reference_is_gone_or_another_one(staged_with: Callable) -> None:
    staged = staged_with(HELD)
    selected(staged)
    retrain(staged.folder, staged.search, staged.store, train=train, refer=Trainer(staged))
    for name in ("references/linear/model.json", "references.json", "references/residual/model.onnx"):
        end(staged.folder, staged.search)
        assert is_finished(staged.folder, staged.search)
        staged.folder.put(name, b"another")
        assert not is_finished(staged.folder, staged.search)


@pytest.mark.cluster  # for its length; it needs none
def test_each_is_trained_as_the_winner_was_in_a_process_of_its_own_tested_and_exported(staged_with: Callable) -> None:
    staged = staged_with(HELD)
    folder, search, images = staged.folder, staged.search, load_images(staged.search)
    winner = replace(model_of(selected(staged)), epochs=2, metrics={**METRICS, "n_params": 1500.0, "flops": 40_000.0})
    worth = hold(folder, search, staged.store, winner)
    assert worth.failures == ()
    for held in worth.held:
        reference, place = held.reference, place_of(held.reference.name)
        right = known(folder.get(f"{place}/model.onnx"), images)  # as whoever takes the export finds it
        assert (folder.known(place), reference.metrics["test_accuracy"]) == (tuple(right), sum(right) / len(right))
        assert held.gain == Gain(4, 3, round(4 * reference.metrics["test_accuracy"]))  # the winner's four are other images
        assert (reference.epochs, len(reference.curve), reference.device) == (2, 2, "cpu")
        told = open_pt2(folder.get(f"{place}/model.pt2"))[1]
        assert (told["reference"], told["classes"]) == (reference.name, list("0123456789"))
    linear, residual = (held.reference.metrics for held in worth.held)
    assert linear["n_params"] == 650  # 64 pixels to 10 classes, with biases
    assert 1000 < residual["n_params"] < 1650
