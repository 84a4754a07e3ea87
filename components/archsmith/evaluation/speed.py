"""How fast a network is trained here, measured of a few steps of it."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice

import torch
from torch import nn

from archsmith.evaluation.at_fidelity import at_fidelity
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.checkpoint import dump
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.deployed import deployed
from archsmith.evaluation.device import Device
from archsmith.evaluation.settled import settled
from archsmith.evaluation.training import Training, evaluate
from archsmith.models import build
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.values import Architecture, Fidelity
from archsmith.values.durations import Speed, images_at, steps_of

LIMIT_S = 1.0
"""Seconds that a measurement takes, about; one step of each kind is taken however long it is."""
BATCHES = 4
"""Batches that are trained on, over and over: an epoch of the measurement."""
AT_MOST, FEW = 60, 5
"""Measurements of each kind, of which the median counts: at most, and so many where each takes long."""


def speed(
    dataset: Dataset,
    space: Space,
    architecture: Architecture,
    training: TrainingSpec,
    *,
    fidelity: Fidelity,
    device: Device,
    limit_s: float = LIMIT_S,
    as_trial: bool = True,
) -> Speed:
    """Measure how fast `architecture` is trained at a fidelity, with the threads that torch has in this process.

    A few batches are trained on and validated with, after steps that warm up; nothing is kept of the network. Others that
    compute beside it slow it down, as they slow a training down.

    Args:
        dataset: The images; those to test with are not touched.
        space: The space of the architecture.
        architecture: Which network.
        training: How it is trained.
        fidelity: What would be spent on it. Its epochs do not matter.
        device: Where.
        limit_s: Seconds in which steps are taken, about.
        as_trial: Whether what a trial does beside its training is done, too: it counts the network and measures its latency.

    Raises:
        CandidateError: The architecture has no network at this input.
    """
    begin = time.perf_counter()
    training = settled(training, space, architecture)
    few = _few(dataset, training.batch_size)
    if as_trial:
        deployed(space, architecture, few, device)
    part = at_fidelity(few, replace(fidelity, data=1.0), 0)
    network = build(
        space, architecture, part.input_shape, part.n_classes, fidelity=fidelity, mean=dataset.mean, std=dataset.std
    )  # fmt: skip
    fixed_s = time.perf_counter() - begin
    found = speed_of(network, part, training, device=device, limit_s=limit_s)
    steps = steps_of(images_at(dataset.counts("train"), fidelity.data), training.batch_size)
    return replace(found, steps=steps, images=len(dataset.validation), fixed_s=fixed_s)


def speed_of(network: nn.Module, dataset: Dataset, training: TrainingSpec, *, device: Device, limit_s: float = LIMIT_S) -> Speed:
    """Measure how fast a network is trained and validated on all images of `dataset`; see `speed`.

    Args:
        network: (B, C, H, W) in [0, 1] -> logits, (B, n_classes). Its weights are changed.
        dataset: The images as it takes them.
        training: How it is trained.
        device: Where.
        limit_s: Seconds that the measurement may take, about.
    """
    part, size = _few(dataset, training.batch_size), training.batch_size
    batches = Batches(part.train, size, device=device.target, channels_last=True, augment=training.augment)
    validation = Batches(part.validation, 2 * size, device=device.target, channels_last=True)
    run = Training(network, batches, validation, training, epochs=1, device=device, seed=0)
    step_s, image_s = _measured(run, batches, validation, device, training, limit_s)
    leaving = time.perf_counter()
    dump(run.state())
    leaving_s = time.perf_counter() - leaving
    return Speed(step_s, image_s, steps_of(len(dataset.train), size), len(dataset.validation), leaving_s)


def _few(dataset: Dataset, batch_size: int) -> Dataset:
    """Return the data set with a few batches to train on, and one to validate with."""
    train = dataset.train.take(torch.arange(min(BATCHES * batch_size, len(dataset.train))))
    validation = dataset.validation.take(torch.arange(min(2 * batch_size, len(dataset.validation))))
    return replace(dataset, train=train, validation=validation)


def _measured(
    run: Training, batches: Batches, validation: Batches, device: Device, training: TrainingSpec, limit_s: float
) -> tuple[float, float]:
    """Return the seconds of a step, and of an image of validation."""
    generator = torch.Generator().manual_seed(0)
    run.network.train()
    next(_steps(run, batches, device, generator))  # the first steps allocate memory and choose kernels
    steps = (seconds for _ in count() for seconds in _steps(run, batches, device, generator))
    looks = (_timed(lambda: evaluate(run.network, validation, device, training.precision), device) for _ in count())
    step_s = _median(steps, limit_s)
    return step_s, _median(looks, limit_s / 3) / validation.n_images


def _steps(run: Training, batches: Batches, device: Device, generator: torch.Generator) -> Iterator[float]:
    """Train an epoch; yield the seconds of each step, with those in which its batch is made."""
    start = time.perf_counter()
    for x, y in batches.epoch(generator):
        run.step(0.0, x, y)
        device.synchronize()
        yield time.perf_counter() - start
        start = time.perf_counter()


def _timed(do: Callable[[], object], device: Device) -> float:
    start = time.perf_counter()
    do()
    device.synchronize()
    return time.perf_counter() - start


def _median(measured: Iterator[float], limit_s: float) -> float:
    """Return the median of as many measurements as fit into a time, but of a few in three times as long.

    What else the machine does makes single ones many times longer, and moves their mean; most of them, it leaves alone.
    """
    begin, found = time.perf_counter(), list[float]()
    for seconds in islice(measured, AT_MOST):
        found.append(seconds)
        if time.perf_counter() - begin > (limit_s if len(found) >= FEW else 3 * limit_s):
            break
    return statistics.median(found)
