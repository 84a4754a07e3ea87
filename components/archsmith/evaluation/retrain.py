"""Training of the winner in full, and its one look at the test images."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.checkpoint import dump, loaded, resumed
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.estimator import Checkpoints
from archsmith.evaluation.measures import latency, peak_memory_mb
from archsmith.evaluation.seeding import seeded
from archsmith.evaluation.settled import settled
from archsmith.evaluation.speed import LIMIT_S, speed_of
from archsmith.evaluation.tested import Tested, look
from archsmith.evaluation.training import Training
from archsmith.models import build
from archsmith.models.cost import FULL, cost
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.values import Architecture, EpochRecord
from archsmith.values.durations import Course

MEASURED = 0.05
"""Share of a limited time in which the steps are measured by which the epochs are counted that fit, at most a second."""

SPENT = 0.2
"""Share of a limited time that measuring may take of it."""

Progress = Callable[[tuple[EpochRecord, ...], int], None]
"""Called at the end of each epoch with the curve so far, and with how many epochs there will be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InFull:
    """How a network is trained in full, whichever it is."""

    epochs: int
    """Passes over all training images; at most, where the time is limited."""
    device: Device
    """Where to train."""
    seed: int
    """Seed of weights, order of images and augmentation."""
    checkpoints: Checkpoints
    """Where to leave off and to go on."""
    key: str
    """Under which id."""
    progress: Progress
    """Told of each epoch."""
    limit_s: float = math.inf
    """Seconds that the training may take: as many epochs are trained as fit, the learning rate falls over these, and whatever
    happens, it ends then."""


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


def retrain(dataset: Dataset, space: Space, architecture: Architecture, settings: TrainingSpec, how: InFull) -> Retrained:
    """Train `architecture` from scratch at full fidelity, keep its best epoch, and test that once.

    Args:
        dataset: The images.
        space: The space of the architecture.
        architecture: What to train.
        settings: How to train, as the search has it; what the architecture decides of it goes before.
        how: For how long, where, and from where on.

    Raises:
        CandidateError: Training diverged, or the architecture has no network at this input.
    """

    def make() -> nn.Module:
        return build(
            space, architecture, dataset.input_shape, len(dataset.classes), fidelity=FULL, mean=dataset.mean, std=dataset.std
        )

    return train_in_full(make, dataset, settled(settings, space, architecture), how)


def train_in_full(make: Callable[[], nn.Module], dataset: Dataset, settings: TrainingSpec, how: InFull) -> Retrained:
    """Train the network that `make` makes, of whatever origin; see `retrain`.

    Where its time is limited, some steps of that very network are measured before the first one that counts, and it is settled
    how many epochs there will be. That is noted in the checkpoint: who goes on from there trains as many.
    """

    def begin() -> Training:
        train = Batches(
            dataset.train, settings.batch_size, device=how.device.target, channels_last=True, augment=settings.augment
        )
        validation = Batches(dataset.validation, 2 * settings.batch_size, device=how.device.target, channels_last=True)
        with seeded(how.seed, how.device):
            network = make()
        return Training(
            network, train, validation, settings, epochs=course.epochs, device=how.device, seed=how.seed, keep_best=True,
            limit_s=course.limit_s, cut_off=True, share=course.share,
        )  # fmt: skip

    def leave_off() -> None:
        how.checkpoints.write(how.key, dump({**training.state(), "course": course.to_dict()}))

    known = _noted(how.checkpoints.read(how.key))
    course = known or _course(make, dataset, settings, how)
    training = resumed(begin, how.checkpoints, how.key)
    if known is None and math.isfinite(how.limit_s):
        leave_off()
    for _ in training.run():
        how.progress(tuple(training.curve), course.epochs)
        leave_off()
    return _measured(training, dataset, settings, how.device)


def _course(make: Callable[[], nn.Module], dataset: Dataset, settings: TrainingSpec, how: InFull) -> Course:
    """Settle how long a training will be, by some steps of it where its time is limited."""
    if math.isinf(how.limit_s):
        return Course(how.epochs)
    begin = time.perf_counter()
    found = speed_of(make(), dataset, settings, device=how.device, limit_s=min(LIMIT_S, MEASURED * how.limit_s))
    spent_s = min(time.perf_counter() - begin, SPENT * how.limit_s)  # longer where torch imports something first, but only once
    return Course.within(how.limit_s - spent_s, found, most=how.epochs)


def _noted(saved: bytes | None) -> Course | None:
    """Return what a checkpoint says of the course of its training; None where there is none, or it says nothing."""
    try:
        return Course(**loaded(saved)["course"]) if saved is not None else None
    except Exception:  # a damaged file fails in many ways; that it is one, `resumed` says
        return None


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
