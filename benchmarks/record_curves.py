"""Record a table of learning curves: chain networks on Fashion-MNIST at 14 pixels, 27 epochs each, with our own training.

    python benchmarks/record_curves.py                   # one schedule over all 27 epochs: fashion-curves.csv
    python benchmarks/record_curves.py --anneal rung     # annealed anew in each of 1, 3, 9 and 27 epochs: fashion-curves-rung.csv

A row an architecture: its notation and id, parameters, multiply-adds, validation accuracy and loss after each epoch, in [0, 1]
and in nats, test accuracy at the end, and seconds. About a quarter of a minute a row on one core; rows that a file has are not
trained again, so a run that was stopped goes on. Both files have the same architectures, in the same order.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from recorded import append, ids
from shown import track

from archsmith.errors import DivergedError
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset, load, subset
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.settled import settled
from archsmith.evaluation.training import Training, evaluate
from archsmith.models import build
from archsmith.models.cost import cost_of
from archsmith.spaces.chain import ChainConfig
from archsmith.spec import DataSpec, TrainingSpec
from archsmith.values import Architecture, Fidelity, seed_from

EPOCHS = 27
RUNGS = (1, 3, 9, 27)
DATA = DataSpec(name="fashion-mnist", image_size=14, validation=0.1)
"""6,000 images to validate with, so that the standard error of an accuracy of 0.88 is 0.004."""
N_TRAIN = 8_000
"""Training images, the same for all networks."""
CONFIG = ChainConfig(
    layers={"min": 1, "max": 5},
    operations=("conv", "sepconv", "maxpool", "avgpool"),
    filters=(8, 16, 32, 64),
    kernels=(3, 5),
    pools=(2, 3),
    strides=(1, 2),
    dense_layers={"min": 0, "max": 1},
    units=(16, 64),
    training={"learning_rate": (0.003, 0.01, 0.03, 0.1, 0.3)},
)
"""Wide in quality; the learning rate makes curves cross."""
TRAINING = TrainingSpec(batch_size=64)
SPACE = CONFIG.build()
COLUMNS = (
    "architecture", "id", "n_params", "flops", "test", "seconds",
    *(f"valid_{k}" for k in range(1, EPOCHS + 1)), *(f"loss_{k}" for k in range(1, EPOCHS + 1)),
)  # fmt: skip
Point = tuple[float, float]
"""Validation accuracy and loss after an epoch."""


def main() -> None:
    """Train what the file does not have yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anneal", choices=("once", "rung"), default="once")
    parser.add_argument("--count", type=int, default=180)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    name = "fashion-curves.csv" if arguments.anneal == "once" else "fashion-curves-rung.csv"
    out = arguments.out or Path(__file__).with_name(name)
    torch.set_num_threads(1)
    dataset = load(DATA, seed=0)
    train = subset(dataset.train, N_TRAIN / len(dataset.train), 0)
    done = ids(out)
    for architecture in track(list(architectures(arguments.count)), "Training"):
        if architecture.id not in done:
            append(
                out,
                COLUMNS,
                row(architecture, Dataset(train, dataset.validation, dataset.test, *_facts(dataset)), arguments.anneal),
            )


def architectures(count: int) -> Iterator[Architecture]:
    """Yield distinct architectures at random, always the same; some hundredth have no network at 14 pixels and are left out."""
    rng, seen = np.random.default_rng(0), set()
    while len(seen) < count:
        architecture = SPACE.canonical(SPACE.sample(rng))
        if architecture not in seen:
            seen.add(architecture)
            yield architecture


def row(architecture: Architecture, dataset: Dataset, anneal: str) -> dict[str, object]:
    """Train one network to the end; what diverges has no values from there on."""
    begun = time.perf_counter()
    counted = cost_of(SPACE, architecture, dataset.input_shape, dataset.n_classes)
    points, test = curve(architecture, dataset, RUNGS if anneal == "rung" else (EPOCHS,))
    points += [(float("nan"), float("nan"))] * (EPOCHS - len(points))
    accuracies, losses = zip(*points, strict=True)
    values = [*(round(a, 5) for a in accuracies), *(float(f"{loss:.5g}") for loss in losses)]
    facts = (SPACE.to_text(architecture), architecture.id, counted.n_params, counted.flops, round(test, 5))
    return dict(zip(COLUMNS, (*facts, round(time.perf_counter() - begun, 2), *values), strict=True))


def curve(architecture: Architecture, dataset: Dataset, spans: tuple[int, ...]) -> tuple[list[Point], float]:
    """Return the validation accuracy and loss of each epoch, and the test accuracy at the end.

    Args:
        architecture: What to train.
        dataset: The images.
        spans: Epochs at which the learning rate's schedule ends, and begins anew.
    """
    device, settings = choose_device(gpu=0, fallback="cpu"), settled(TRAINING, SPACE, architecture)
    batches = Batches(dataset.train, batch_size=settings.batch_size, device=device.target, channels_last=True)
    validation, test = (Batches(part, batch_size=500, device=device.target, channels_last=True)
                        for part in (dataset.validation, dataset.test))  # fmt: skip
    network = build(SPACE, architecture, dataset.input_shape, dataset.n_classes,
                    fidelity=Fidelity(EPOCHS), mean=dataset.mean, std=dataset.std)  # fmt: skip
    training = Training(network, batches, validation, settings, epochs=EPOCHS, device=device, spans=spans,
                        seed=seed_from(architecture.id))  # fmt: skip
    try:
        points = [(record.val_accuracy, record.val_loss) for record in training.run()]
    except DivergedError:
        return [(record.val_accuracy, record.val_loss) for record in training.curve], float("nan")
    return points, evaluate(training.network, test, device, settings.precision)[1]


def _facts(dataset: Dataset) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    return dataset.classes, dataset.mean, dataset.std


if __name__ == "__main__":
    main()
