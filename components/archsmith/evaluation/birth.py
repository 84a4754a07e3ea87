"""How a training begins with the weights of another trial's network, which is rebuilt from what its checkpoint says."""

import logging
import time
from collections.abc import Callable
from typing import Any

from torch import nn

from archsmith.errors import UnbuildableError
from archsmith.evaluation.checkpoint import loaded
from archsmith.evaluation.training import Training
from archsmith.models import build
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Born, Fidelity, Orphan, Proposal

log = logging.getLogger(__name__)


def labelled(state: dict[str, Any], proposal: Proposal) -> dict[str, Any]:
    """Return the state of a training with what its network is, so that others can rebuild it: plain values only."""
    return {**state, "architecture": proposal.architecture.to_dict(), "fidelity": proposal.fidelity.to_dict()}


def born(
    begin: Callable[[], Training], parent: str, saved: bytes | None, space: Space, *, n_classes: int, distil: float
) -> Training:
    """Return a training that begins with the weights of a trial; from scratch, and it says why, where they are of no use.

    Args:
        begin: Makes a training that has not begun.
        parent: Id of the trial.
        saved: Its checkpoint, which may be damaged; None where it is gone.
        space: The space of both networks.
        n_classes: Their outputs.
        distil: Passes over the training images in which a network that was shrunk learns its parent's outputs.
    """
    begun, training = time.perf_counter(), begin()
    try:
        images = training.images()
        _, *shape = images.shape
        network, epochs = rebuilt(saved, space, (shape[0], shape[1], shape[2]), n_classes)
        got, accuracy = training.inherit(network, images, distilling=distil)
    except UnusableError as error:
        log.warning("Trial %s can't be inherited from, as %s; its child begins from scratch.", parent, error)
        training = begin()
        training.be_born(Orphan(parent, str(error), time.perf_counter() - begun))
        return training
    seconds = time.perf_counter() - begun
    training.be_born(Born(parent, epochs, got.exact, got.approximate, got.same, accuracy, seconds))
    return training


class UnusableError(Exception):
    """Nothing can be inherited from a checkpoint; the message is a clause that says why."""


def rebuilt(saved: bytes | None, space: Space, input_shape: tuple[int, int, int], n_classes: int) -> tuple[nn.Module, int]:
    """Return the network that a checkpoint is of, for images of this shape, and the epochs that its weights were trained for.

    Raises:
        UnusableError: It is gone, or damaged, or of another space, or its weights are those of a network for other images.
    """
    if saved is None:
        raise UnusableError("its checkpoint is gone")
    try:
        state = loaded(saved)
        architecture, fidelity = Architecture.from_dict(state["architecture"]), Fidelity(**state["fidelity"])
        weights, epochs = dict(state["network"]), int(state["line"])
    except Exception as error:  # a damaged file fails in many ways
        raise UnusableError("its checkpoint is damaged") from error
    if architecture.space != space.name:
        raise UnusableError(f"its checkpoint is of the space {architecture.space!r}, not of {space.name!r}")
    if epochs < 1:
        raise UnusableError("its weights were not trained")
    try:
        network = build(space, architecture, input_shape, n_classes, fidelity=fidelity)
        network.load_state_dict(weights)
    except (UnbuildableError, RuntimeError) as error:  # torch says in many lines which shapes do not fit
        images = " × ".join(map(str, input_shape))
        raise UnusableError(f"its weights are not those of a network for images of {images} and {n_classes} classes") from error
    return network, epochs
