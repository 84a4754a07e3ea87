"""Checkpoints of a training: bytes, from which it goes on as if it had never stopped."""

import io
import logging
from collections.abc import Callable
from typing import Any

import torch

from archsmith.evaluation.training import Training

log = logging.getLogger(__name__)


def dump(state: dict[str, Any]) -> bytes:
    """Write the state of a training."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def resumed(begin: Callable[[], Training], saved: bytes | None) -> Training:
    """Return a training that goes on from its own checkpoint, or begins anew.

    Args:
        begin: Makes a training that has not begun.
        saved: What `dump` wrote; None where there is no checkpoint. One that is damaged, or is of another network, is
            passed over: that costs no more than the epochs so far.
    """
    return _restored(begin, Training.restore, saved) or begin()


def gone_on(begin: Callable[[], Training], saved: bytes | None, parent: Callable[[], bytes | None], *, epochs: int) -> Training:
    """Return a training that goes on from its own checkpoint, else from that of another trial, else begins anew.

    Args:
        begin: As `resumed` has it.
        saved: Its own checkpoint, as `resumed` has it.
        parent: Reads the checkpoint of the trial that it goes on from; that may be behind by the last epochs, where the
            store was away when they ended.
        epochs: The epochs that this trial has had.
    """
    if (training := _restored(begin, Training.restore, saved)) is not None:
        return training

    def enter(training: Training, state: dict[str, Any]) -> None:
        if not 1 <= len(state["curve"]) <= epochs:
            raise ValueError(f"it is of {len(state['curve'])} epochs, not of {epochs}")
        training.continue_from(state)

    if (training := _restored(begin, enter, parent())) is not None:
        return training
    log.warning("There is no checkpoint to go on from after epoch %d, so this training begins anew, from epoch 1.", epochs)
    return begin()


def _restored(
    begin: Callable[[], Training], enter: Callable[[Training, dict[str, Any]], None], saved: bytes | None
) -> Training | None:
    """Return a training that has entered the saved state; None where there is none that can be used."""
    if saved is None:
        return None
    training = begin()
    try:
        enter(training, torch.load(io.BytesIO(saved), weights_only=True))
    except Exception as error:  # a damaged file fails in many ways
        log.warning("A checkpoint can't be used and is passed over: %s", error)
        return None
    return training
