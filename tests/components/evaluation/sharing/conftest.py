"""A small ground to train shared weights on."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.ground import Ground
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spec import TrainingSpec
from archsmith.values import Fidelity


@pytest.fixture(scope="session")
def tiny(digits: Dataset) -> Dataset:
    """64 digits to train with and 40 to validate with."""
    parts = [images.take(torch.arange(n)) for images, n in ((digits.train, 64), (digits.validation, 40), (digits.test, 10))]
    return Dataset(*parts, digits.classes, digits.mean, digits.std)


@pytest.fixture
def ground(tiny: Dataset, cpu: Device) -> Callable[..., Ground]:
    """Make a ground of NAS-Bench-201 with one cell a stage, but for what is given."""

    def make(space: Any = None, *, dataset: Dataset = tiny, seed: int = 0, fidelity: Any = None, **training: Any) -> Ground:
        space = space or NasBench201Config(cells=1, channels=4).build()
        spec = TrainingSpec(**{"batch_size": 16, **training})
        return Ground.of(space, dataset, fidelity=fidelity or Fidelity(1), training=spec, device=cpu, seed=seed)

    return make
