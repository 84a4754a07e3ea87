"""Real images of handwritten digits, and small networks for them."""

import time
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn

from archsmith.evaluation.data import Dataset, load
from archsmith.evaluation.device import Device, choose_device
from archsmith.spaces.chain import ChainConfig, ChainSpace
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spec import DataSpec, TrainingSpec
from archsmith.values import Architecture, Fidelity

SPACE = ChainConfig.model_validate(
    {"layers": {"min": 1, "max": 4}, "filters": [8, 16], "kernels": [3], "units": [16], "dense_layers": {"min": 0, "max": 1}}
).build()


WRONG = -1.0
"""A choice of the slow space that has no network."""


class Slow(nn.Module):
    """Passes on what it gets, after a while that depends on whether it is trained."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.shapes, self.calls = seconds, set[torch.Size](), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 1:  # not where its latency is measured
            self.shapes.add(x.shape)
            self.calls += 1
            time.sleep(self.seconds if self.training else self.seconds / 2)
        return x


class SlowSpace(DecisionSpace):
    """Networks that take as long as they decide, or all of them as long as `pace` says."""

    def __init__(self) -> None:
        super().__init__("slow", (Decision("seconds", (0.02, 0.3, WRONG)),))
        self.built: list[Slow] = []
        self.pace: float | None = None

    def graph(self, architecture: Architecture) -> Graph:
        return Graph((Node("input", "image", "input"), Node("output", "", "output")), (Edge("input", "output"),))

    def layers(
        self, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
    ) -> Sequence[nn.Module]:
        if (seconds := self.assignment(architecture)["seconds"]) == WRONG:
            raise ValueError("it takes no images")
        self.built.append(slow := Slow(float(seconds) if self.pace is None else self.pace))
        return [slow, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(input_shape[0], n_classes)]


@pytest.fixture
def slow_space() -> SlowSpace:
    """A space of networks that take 0.02 s or 0.3 s a batch."""
    return SlowSpace()


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
