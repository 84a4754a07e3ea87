"""The training of shared weights that a search file asks for, and the estimator that looks with them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.group import ALONE, Group
from archsmith.evaluation.sharing.look import SupernetEstimator
from archsmith.evaluation.sharing.relaxed.make import make_relaxed
from archsmith.evaluation.sharing.sampled import SampledTraining
from archsmith.evaluation.sharing.training import SupernetTraining
from archsmith.models.mixed.prices import PriceOf
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import Relaxed, Sampled, SupernetSettings
from archsmith.values import Fidelity

MAKERS: Mapping[type[SupernetSettings], Callable[[Any, Ground], SupernetTraining]] = {
    Sampled: SampledTraining,
    Relaxed: make_relaxed,
}
"""What trains, by the kind of the settings."""


def make_training(
    settings: SupernetSettings,
    *,
    space: Space,
    dataset: Dataset,
    fidelity: Fidelity,
    training: TrainingSpec,
    device: Device,
    seed: int,
    group: Group = ALONE,
    latency_of: PriceOf | None = None,
) -> SupernetTraining:
    """Return a training of shared weights that has not begun.

    Args:
        settings: What is trained; its kind decides what makes it.
        space: Where the architectures come from.
        dataset: All images; those to test with are not touched.
        fidelity: That of the search; its epochs do not count here.
        training: How to train the weights; what it leaves open is as the method has it.
        device: Where to train.
        seed: The search's; all that is random depends on it.
        group: The processes that train together.
        latency_of: From a module and the shape of its input to seconds, for settings that weigh latency.
    """
    ground = Ground.of(space, dataset, fidelity=fidelity, training=training, device=device, seed=seed)
    ground = replace(ground, group=group, latency_of=latency_of)
    return MAKERS[type(settings)](settings, ground)


def make_looks(
    settings: Sampled,
    state: Mapping[str, Any],
    *,
    space: Space,
    dataset: Dataset,
    fidelity: Fidelity,
    training: TrainingSpec,
    device: Device,
    seed: int,
) -> SupernetEstimator:
    """Return the estimator that looks at architectures with the weights of a training.

    Args:
        settings: Those of the training, as all that follows but the state.
        state: What the training's `state` returned at its end.
        space: As in `make_training`, like what follows.
        dataset: All images.
        fidelity: That of the search.
        training: How the weights were trained.
        device: Where to look.
        seed: The search's.
    """
    ground = Ground.of(space, dataset, fidelity=fidelity, training=training, device=device, seed=seed)
    return SupernetEstimator.of(settings, ground, state)
