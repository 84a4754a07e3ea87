"""The training of relaxed choices that a search file asks for."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from archsmith.errors import DataError
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Images, split
from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.relaxed.training import RelaxedTraining, Shares
from archsmith.models.cost import FULL
from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mixed
from archsmith.models.mixed.prices import prices
from archsmith.spec.supernets import Relaxed

OF_THE_FILE = ("learning_rate", "momentum", "weight_decay", "clip_gradient")
"""Settings of the weights' optimizer that the search file may say otherwise than the method does."""


def make_relaxed(settings: Relaxed, ground: Ground) -> RelaxedTraining:
    """Return a training that has not begun, of the mixed network of the space at the search's fidelity.

    Args:
        settings: The method.
        ground: What it is trained on.
    """
    training, dataset = ground.training, ground.dataset
    said = {name: getattr(training, name) for name in OF_THE_FILE if name in training.model_fields_set}
    if training.optimizer != "sgd":  # then they are of another one, with which what is derived is trained alone
        said = {}
    network = build_mixed(
        ground.space, dataset.input_shape, dataset.n_classes,
        fidelity=ground.fidelity, mean=dataset.mean, std=dataset.std, partial=settings.partial,
        weighs_edges=settings.partial > 1 and settings.weights == "softmax",
    )  # fmt: skip
    costs = _costs(network, settings, ground) if settings.cost else None
    return RelaxedTraining(
        network, shares_of(settings, ground), replace(settings, **said), training,
        device=ground.device, seed=ground.seed_of("relaxed"), prices=costs, average=ground.group.average,
    )  # fmt: skip


def _costs(network: Mixed, settings: Relaxed, ground: Ground) -> Mapping[str, Tensor]:
    """Return what options cost: multiply-adds in the network that is trained, or seconds in the one that would be deployed."""
    if settings.price == "flops":
        return prices(network, ground.dataset.input_shape)[1]
    if ground.latency_of is None:
        raise ValueError("The value of `price` is 'latency_s', but nothing says how long options take.")
    full = ground.full
    with torch.device("meta"):
        deployed = build_mixed(ground.space, full.input_shape, full.n_classes, fidelity=FULL)
    return prices(deployed, full.input_shape, ground.latency_of)[1]


def shares_of(settings: Relaxed, ground: Ground) -> Shares:
    """Return the images in shares: for the weights, for the choices where they have some of their own, and for validation."""
    training, dataset = ground.training, ground.dataset
    weights, alphas = dataset.train, None
    if settings.update != "joint":
        try:
            weights, alphas = split(
                weights, settings.alpha_share, seed=ground.seed_of("alphas"), classes=dataset.classes, held="choices"
            )
        except DataError as error:
            if (data := ground.fidelity.data) == 1:
                raise
            raise DataError(f"`estimation.data` is {data:g}, which leaves too little to train on. {error}") from error

    def batches(images: Images) -> Batches:
        device, augment = ground.device.target, training.augment
        return ground.group.part(Batches(images, training.batch_size, device=device, channels_last=True, augment=augment))

    shared = batches(weights)
    return Shares(shared, batches(alphas) if alphas else None, ground.validation_batches(times=2), shared.plain())
