import io
from collections.abc import Callable
from typing import Any

import pytest
import torch

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.checkpoint import dump, resumed
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.training import Training
from archsmith.models import build
from archsmith.models.cost import FULL
from archsmith.spaces.chain import ChainSpace
from archsmith.spec import TrainingSpec
from archsmith.testing.estimators import MemoryCheckpoints
from archsmith.values import Architecture, GoesOn

Begin = Callable[[], Training]


@pytest.fixture
def begin(few: Dataset, space: ChainSpace, architecture: Architecture, cpu: Device) -> Begin:
    """Make a training of three epochs."""
    return beginning(few, space, architecture, cpu)


def beginning(few: Dataset, space: ChainSpace, architecture: Architecture, cpu: Device) -> Begin:
    settings = TrainingSpec(batch_size=32, optimizer="adamw", learning_rate=0.01)
    batches, validation = Batches(few.train, 32), Batches(few.validation, 64)
    return lambda: Training(
        build(space, architecture, few.input_shape, 10, fidelity=FULL),
        batches, validation, settings, epochs=3, device=cpu, seed=0, keep_best=True,
    )  # fmt: skip


def weights(training: Training) -> dict[str, Any]:
    for _ in training.run():
        pass
    return {name: value.tolist() for name, value in training.network.state_dict().items()}


def going_on(begin: Begin, saved: bytes | None) -> Training:
    return resumed(begin, MemoryCheckpoints({} if saved is None else {"key": saved}), "key")


def after_an_epoch(begin: Begin) -> bytes:
    training = begin()
    next(iter(training.run()))
    return dump(training.state())


def test_it_goes_on_from_its_bytes_as_if_it_had_never_stopped(begin: Begin) -> None:
    saved = after_an_epoch(begin)
    training = going_on(begin, saved)
    assert len(training.curve) == 1
    assert weights(training) == weights(begin())


def test_without_a_checkpoint_it_begins(begin: Begin) -> None:
    assert going_on(begin, None).curve == []


def test_a_checkpoint_holds_no_code(begin: Begin) -> None:
    state = torch.load(io.BytesIO(after_an_epoch(begin)), weights_only=True)
    assert set(state) == {
        "network", "optimizer", "scaler", "generator", "curve", "before", "line", "birth", "best_weights",
    }  # fmt: skip


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "other state"])
def test_a_damaged_checkpoint_is_passed_over_and_the_log_says_so(
    begin: Begin, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    saved = after_an_epoch(begin)
    flipped = bytearray(saved)
    flipped[len(saved) // 2 : len(saved) // 2 + 2000] = bytes(2000)
    broken = {
        "cut": saved[: len(saved) // 2],
        "flipped": bytes(flipped[:-200]),
        "empty": b"",
        "text": b"hello",
        "other state": dump({"network": {}}),
    }[damage]
    training = going_on(begin, broken)
    assert training.curve == []
    assert weights(training) == weights(begin())
    assert "The checkpoint of key can't be used and is passed over" in caplog.text


def test_a_checkpoint_of_another_network_is_passed_over(
    begin: Begin, few: Dataset, space: ChainSpace, deep: Architecture, cpu: Device
) -> None:
    other = after_an_epoch(beginning(few, space, deep, cpu))
    training = going_on(begin, other)
    assert training.curve == []
    assert weights(training) == weights(begin())


@pytest.mark.parametrize(
    ("saved", "parent", "epochs", "begins_at", "said"),
    [
        (b"own", b"parent", 1, 2, []),
        (None, b"parent", 1, 1, []),
        (None, b"parent", 2, 1, []),  # the store was away at the end of its second epoch
        (b"", b"parent", 1, 1, ["passed over"]),
        (
            None,
            b"two",
            1,
            0,
            ["The checkpoint of parent can't be used and is passed over: it is of 2 epochs, not of 1", "begins anew"],
        ),
        (None, b"", 1, 0, ["passed over", "begins anew"]),
        (None, None, 1, 0, ["Trial mine can't go on from trial parent after epoch 1, and begins anew."]),
    ],
)
def test_it_goes_on_from_its_own_checkpoint_else_from_its_parents_else_begins_anew(
    begin: Begin,
    caplog: pytest.LogCaptureFixture,
    saved: bytes | None,
    parent: bytes | None,
    epochs: int,
    begins_at: int,
    said: list[str],
) -> None:
    two = begin()
    states = [dump(two.state()) for _ in two.run()]
    known = {b"parent": states[0], b"own": states[1], b"two": states[1], b"": b"", None: None}
    checkpoints = {"mine": known[saved], "parent": known[parent]}
    kept = MemoryCheckpoints({key: state for key, state in checkpoints.items() if state is not None})
    training = resumed(begin, kept, "mine", GoesOn("parent", epochs))
    assert len(training.curve) == begins_at
    assert all(words in record.message for words, record in zip(said, caplog.records, strict=True))
    assert weights(training) == weights(begin())


def test_what_can_not_begin_says_why() -> None:
    def begin() -> Training:
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError, match="no network"):
        going_on(begin, b"anything")
