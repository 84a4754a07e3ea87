"""Real images of handwritten digits, and small networks for them."""

from collections.abc import Callable

import pytest
import torch

from archsmith.evaluation.data import Dataset, load
from archsmith.evaluation.device import Device, choose_device
from archsmith.spaces.chain import ChainConfig, ChainSpace
from archsmith.spec import DataSpec, TrainingSpec
from archsmith.values import Architecture

SPACE = ChainConfig.model_validate(
    {"layers": {"min": 1, "max": 4}, "filters": [8, 16], "kernels": [3], "units": [16], "dense_layers": {"min": 0, "max": 1}}
).build()


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The digits of scikit-learn: (1, 8, 8), ten classes."""
    return load(DataSpec(name="digits"), seed=0)


@pytest.fixture(scope="session")
def few(digits: Dataset) -> Dataset:
    """Some two hundred digits, for what only has to run."""
    parts = [images.take(torch.arange(n)) for images, n in ((digits.train, 160), (digits.validation, 60), (digits.test, 60))]
    return Dataset(*parts, digits.classes, digits.mean, digits.std)


@pytest.fixture(scope="session")
def space() -> ChainSpace:
    """A small chain space."""
    return SPACE


@pytest.fixture(scope="session")
def architecture() -> Architecture:
    """Two convolutions, the second one with stride 2."""
    return chain(("conv", 16, 1), ("conv", 16, 2))


@pytest.fixture(scope="session")
def deep() -> Architecture:
    """Four convolutions and a dense layer."""
    return chain(("conv", 16, 1), ("conv", 16, 2), ("conv", 16, 1), ("sepconv", 16, 1), units=16)


@pytest.fixture(scope="session")
def cpu() -> Device:
    """The CPU."""
    return choose_device(gpu=0, fallback="cpu")


@pytest.fixture
def settings() -> Callable[..., TrainingSpec]:
    """Make settings of training; small batches suit few images."""
    return lambda **changes: TrainingSpec(**{"batch_size": 32, **changes})


def chain(*layers: tuple[str, int, int], units: int | None = None) -> Architecture:
    """Return an architecture of `SPACE`: operation, filters and stride of each layer."""
    chosen: dict[str, str | int] = {"layers": len(layers), "dense": 0 if units is None else 1}
    for i, (operation, filters, stride) in enumerate(layers, start=1):
        chosen |= {f"op_{i}": operation, f"filters_{i}": filters, f"kernel_{i}": 3, f"stride_{i}": stride}
    if units is not None:
        chosen["units_1"] = units
    return SPACE.architecture(chosen)
