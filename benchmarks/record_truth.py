"""Record how good architectures are: each of a space's sample trained alone, with three seeds, by our own training.

    python benchmarks/record_truth.py residual    # truth-residual.csv
    python benchmarks/record_truth.py traded      # truth-traded.csv

A row an architecture: its notation and id, parameters, multiply-adds, accuracy on the test images and on the validation images
after the last epoch of each seed, in [0, 1], and seconds. Less than a second a training on a quiet core; rows that a file has are
not trained again, so a run that was stopped goes on.
"""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from recorded import append, ids
from shown import track

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset, Images, load, subset
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.settled import settled
from archsmith.evaluation.training import Training, evaluate
from archsmith.models import build
from archsmith.models.cost import cost_of
from archsmith.spaces.blocks.yaml_space import YamlConfig
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spaces.space import Space, SpaceConfig
from archsmith.spec import DataSpec, TrainingSpec
from archsmith.values import Architecture, Fidelity, seed_from

SEEDS = 3
EPOCHS = 12
TRAINING = TrainingSpec(batch_size=100)
DATA = DataSpec(name="fashion-mnist", image_size=8, validation=0.1)
N_TRAIN, N_VALIDATION, N_TEST = 1_000, 2_000, 5_000
"""Images, the same for all networks; those to validate with are only for what looks at networks, and for selection."""

_SHRINK = {"op": "avgpool", "kernel": 2, "stride": 2}
"""Neither this nor the stems see more than the pixels that they merge, so that all else is up to what is searched."""


RESIDUAL = YamlConfig.model_validate(
    {
        "decisions": [{"name": f"op_{i}", "choices": ["none", "conv_1x1", "dil_conv_3x3", "conv_3x3"]} for i in range(1, 6)],
        "network": [
            {"op": "conv_1x1", "filters": 12},
            {"residual": [{"op": "$op_1"}]},  # on 8 x 8 pixels
            _SHRINK,
            {"residual": [{"op": "$op_2"}]},  # on 4 x 4
            {"residual": [{"op": "$op_3"}]},
            _SHRINK,
            {"residual": [{"op": "$op_4"}]},  # on 2 x 2
            {"residual": [{"op": "$op_5"}]},
            {"op": "batchnorm"},
            {"op": "relu"},
        ],
    }
)
"""Beside each shortcut a layer or none: larger networks are better ones."""


_LAYERS: Mapping[str, list[dict[str, object]]] = {
    "none": [{"op": "none"}],
    "maxpool": [{"op": "max_pool_3x3"}],
    "pointwise": [{"op": "conv_1x1"}],
    "pointwise-twice": [{"op": "conv_1x1"}, {"op": "conv_1x1"}],
    "separable": [{"op": "sepconv", "filters": 12, "kernel": 3}],
}


def _places(choices: Sequence[str]) -> YamlConfig:
    """Return a space of five places in a chain, each with one of these layers beside a shortcut."""

    def place(i: int) -> dict[str, object]:
        return {"residual": [{"when": {f"op_{i}": [choice]}, "blocks": _LAYERS[choice]} for choice in choices]}

    return YamlConfig.model_validate(
        {
            "decisions": [{"name": f"op_{i}", "choices": list(choices)} for i in range(1, 6)],
            "network": [
                {"op": "conv_1x1", "filters": 12},
                place(1),  # on 8 x 8 pixels
                _SHRINK,
                *map(place, (2, 3)),  # on 4 x 4
                _SHRINK,
                *map(place, (4, 5)),  # on 2 x 2
                {"op": "batchnorm"},
                {"op": "relu"},
            ],
        }
    )


KINDS = _places(("none", "maxpool", "pointwise", "separable"))
"""The larger a layer, the better; but a pooling without weights sees more than a pixel too."""

TRADED = _places(("pointwise", "pointwise-twice", "separable"))
"""Only the separable convolution sees more than a pixel, and two pointwise ones cost more: a network is good where it looks."""

CELLS = NasBench201Config(channels=6, cells=1)
"""The cells of NAS-Bench-201, which the relaxations know too; not a table of truth but of what random search finds."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A space, and how many of its architectures are trained."""

    config: SpaceConfig
    count: int = 96


SETUPS: Mapping[str, Setup] = {
    "residual": Setup(RESIDUAL),
    "kinds": Setup(KINDS),
    "traded": Setup(TRADED),
    "cells": Setup(CELLS, 40),
}
COLUMNS = (
    "architecture", "id", "n_params", "flops", "seconds",
    *(f"test_{k}" for k in range(SEEDS)), *(f"valid_{k}" for k in range(SEEDS)),
)  # fmt: skip


def main() -> None:
    """Train what the file does not have yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("space", choices=SETUPS)
    parser.add_argument("--count", type=int, help="Architectures.")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    out = arguments.out or table(arguments.space)
    torch.set_num_threads(1)
    setup = SETUPS[arguments.space]
    space, done = setup.config.build(), ids(out)
    for architecture in track(list(architectures(space, arguments.count or setup.count)), "Training"):
        if architecture.id not in done:
            append(out, COLUMNS, row(space, architecture, images()))


def table(name: str) -> Path:
    """Return where the table of a space lies."""
    return Path(__file__).with_name(f"truth-{name}.csv")


@cache
def images() -> Dataset:
    """Return the images that all networks are trained, validated and tested with."""
    full = load(DATA, seed=0)
    parts = ((full.train, N_TRAIN), (full.validation, N_VALIDATION), (full.test, N_TEST))
    return Dataset(*(_part(part, n) for part, n in parts), full.classes, full.mean, full.std)


def _part(part: Images, n: int) -> Images:
    return subset(part, n / len(part), 0)


def architectures(space: Space, count: int) -> Iterator[Architecture]:
    """Yield distinct architectures at random, always the same."""
    rng, seen = np.random.default_rng(0), set()
    while len(seen) < count:
        architecture = space.canonical(space.sample(rng))
        if architecture not in seen:
            seen.add(architecture)
            yield architecture


def row(space: Space, architecture: Architecture, dataset: Dataset) -> dict[str, object]:
    """Train one architecture with each seed."""
    begun = time.perf_counter()
    counted = cost_of(space, architecture, dataset.input_shape, dataset.n_classes)
    test, valid = zip(*(alone(space, architecture, dataset, seed) for seed in range(SEEDS)), strict=True)
    facts = (space.to_text(architecture), architecture.id, counted.n_params, counted.flops)
    values = [round(value, 5) for value in (*test, *valid)]
    return dict(zip(COLUMNS, (*facts, round(time.perf_counter() - begun, 2), *values), strict=True))


def alone(space: Space, architecture: Architecture, dataset: Dataset, seed: int, epochs: int = EPOCHS) -> tuple[float, float]:
    """Train a network by itself as the tables have it; return its accuracy on the test images and on those to validate with."""
    return trained(space, architecture, dataset, seed_from(f"{architecture.id}/{seed}"), epochs, TRAINING)


def trained(
    space: Space, architecture: Architecture, dataset: Dataset, seed: int, epochs: int, training: TrainingSpec
) -> tuple[float, float]:
    """Train a network; return its accuracy on the test images and on those to validate with."""
    device, settings = choose_device(gpu=0, fallback="cpu"), settled(training, space, architecture)

    def batches(part: Images, size: int) -> Batches:
        return Batches(part, batch_size=size, device=device.target, channels_last=True)

    network = build(space, architecture, dataset.input_shape, dataset.n_classes, fidelity=Fidelity(epochs),
                    mean=dataset.mean, std=dataset.std)  # fmt: skip
    # Few images after each epoch, as nobody reads what they say.
    few = batches(_part(dataset.validation, 50), 50)
    run = Training(network, batches(dataset.train, settings.batch_size), few, settings, epochs=epochs, device=device, seed=seed)
    for _ in run.run():
        pass
    test, valid = (
        evaluate(run.network, batches(part, 500), device, settings.precision)[1] for part in (dataset.test, dataset.validation)
    )
    return test, valid


if __name__ == "__main__":
    main()
