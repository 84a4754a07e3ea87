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
    """Return a training that goes on from a checkpoint, or begins anew.

    Args:
        begin: Makes a training that has not begun.
        saved: What `dump` wrote; None where there is no checkpoint. One that is damaged, or is of another network, is
            passed over: that costs no more than the epochs so far.
    """
    training = begin()
    if saved is None:
        return training
    try:
        training.restore(torch.load(io.BytesIO(saved), weights_only=True))
    except Exception as error:  # a damaged file fails in many ways
        log.warning("A checkpoint can't be used and is passed over: %s", error)
        return begin()
    return training
