"""Training of the winner in full, and its one look at the test images."""

from dataclasses import dataclass

import torch
from torch import nn

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.checkpoint import dump, resumed
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.estimator import Checkpoints, Progress
from archsmith.evaluation.measures import latency, peak_memory_mb
from archsmith.evaluation.settled import settled
from archsmith.evaluation.tested import Tested, look
from archsmith.evaluation.training import Training
from archsmith.models import build
from archsmith.models.cost import FULL, cost
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.values import Architecture, EpochRecord


@dataclass(frozen=True, slots=True)
class Retrained:
    """A network trained in full, on the CPU, with the weights of its best epoch."""

    network: nn.Module
    """(B, C, H, W) in [0, 1] -> logits, (B, n_classes)."""
    curve: tuple[EpochRecord, ...]
    """One record an epoch."""
    best: EpochRecord
    """The epoch whose weights were kept, chosen by the validation images."""
    metrics: dict[str, float]
    """As `TrainedModel.metrics`."""
    tested: Tested
    """What it makes of the test images."""


def retrain(
    dataset: Dataset,
    space: Space,
    architecture: Architecture,
    settings: TrainingSpec,
    *,
    epochs: int,
    device: Device,
    seed: int,
    checkpoints: Checkpoints,
    key: str,
    progress: Progress,
) -> Retrained:
    """Train `architecture` from scratch at full fidelity, keep its best epoch, and test that once.

    Args:
        dataset: The images.
        space: The space of the architecture.
        architecture: What to train.
        settings: How to train.
        epochs: Passes over all training images.
        device: Where to train.
        seed: Seed of weights, order of images and augmentation.
        checkpoints: Where to leave off and to go on.
        key: Under which id.
        progress: Called with the curve after each epoch.

    Raises:
        CandidateError: Training diverged, or the architecture has no network at this input.
    """
    settings = settled(settings, space, architecture)

    def begin() -> Training:
        network = build(
            space, architecture, dataset.input_shape, len(dataset.classes), fidelity=FULL, mean=dataset.mean, std=dataset.std
        )
        train = Batches(dataset.train, settings.batch_size, device=device.target, channels_last=True, augment=settings.augment)
        validation = Batches(dataset.validation, 2 * settings.batch_size, device=device.target, channels_last=True)
        return Training(network, train, validation, settings, epochs=epochs, device=device, seed=seed, keep_best=True)

    training = resumed(begin, checkpoints, key)
    for _ in training.run():
        progress(tuple(training.curve))
        checkpoints.write(key, dump(training.state()))
    return _measured(training, dataset, settings, device)


def _measured(training: Training, dataset: Dataset, settings: TrainingSpec, device: Device) -> Retrained:
    """Test the best epoch's network, and measure what it costs."""
    network, best = training.network, training.best
    if training.best_weights is not None:
        network.load_state_dict(training.best_weights)
    tested = look(network, dataset, device, batch_size=2 * settings.batch_size)
    counted = cost(network, dataset.input_shape)
    metrics = {
        "test_accuracy": tested.accuracy,
        "test_loss": tested.loss,
        "val_accuracy": best.val_accuracy,
        "val_loss": best.val_loss,
        "n_params": counted.n_params,
        "flops": counted.flops,
        **latency(network, dataset.input_shape, device).metrics,
        "peak_memory_mb": peak_memory_mb(network, dataset.input_shape, device),
    }
    on_cpu = network.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    return Retrained(on_cpu, tuple(training.curve), best, metrics, tested)
