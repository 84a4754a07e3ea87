"""Checkpoints of a training: bytes, from which it goes on as if it had never stopped."""

import io
import logging
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import torch

from archsmith.evaluation.estimator import Checkpoints
from archsmith.values import GoesOn, Origin
from archsmith.values.proposals import FROM_SCRATCH

log = logging.getLogger(__name__)


def dump(state: dict[str, Any]) -> bytes:
    """Write the state of a training."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def loaded(data: bytes) -> dict[str, Any]:
    """Read the state of a training: tensors and plain values, and nothing that could run; what is damaged fails in many ways."""
    state: dict[str, Any] = torch.load(io.BytesIO(data), weights_only=True)
    return state


class Resumable(Protocol):
    """A training that can go on from a state."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state of its own; where it does not fit, this raises."""
        ...

    def continue_from(self, state: dict[str, Any]) -> None:
        """Go on where the training of another trial has ended; where its state does not fit, this raises."""
        ...


R = TypeVar("R", bound=Resumable)


def resumed(begin: Callable[[], R], checkpoints: Checkpoints, key: str, origin: Origin = FROM_SCRATCH) -> R:
    """Return a training that goes on from its own checkpoint, else from that of the trial it goes on from, else begins anew.

    Args:
        begin: Makes a training that has not begun.
        checkpoints: Where they are. One that is damaged, or is of another network, is passed over: that costs no more than
            the epochs so far.
        key: Id of its own checkpoint.
        origin: What it begins with. The checkpoint of the trial that it goes on from may be behind by the last epochs, where
            the store was away when they ended.
    """
    if (training := _restored(begin, lambda training, state: training.restore(state), checkpoints, key)) is not None:
        return training
    if not isinstance(origin, GoesOn):
        return begin()

    def enter(training: R, state: dict[str, Any]) -> None:
        if not 1 <= len(state["curve"]) <= origin.epochs:
            raise ValueError(f"it is of {len(state['curve'])} epochs, not of {origin.epochs}")
        training.continue_from(state)

    if (training := _restored(begin, enter, checkpoints, origin.trial)) is not None:
        return training
    log.warning("Trial %s can't go on from trial %s after epoch %d, and begins anew.", key, origin.trial, origin.epochs)
    return begin()


def _restored(begin: Callable[[], R], enter: Callable[[R, dict[str, Any]], None], checkpoints: Checkpoints, key: str) -> R | None:
    """Return a training that has entered the saved state; None where there is none that can be used."""
    saved = checkpoints.read(key)
    if saved is None:
        return None
    training = begin()
    try:
        enter(training, loaded(saved))
    except Exception as error:  # a damaged file fails in many ways
        log.warning("The checkpoint of %s can't be used and is passed over: %s", key, error)
        return None
    return training
