"""Chains of layers, written by hand, and what every network must do."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from archsmith.spaces.chain import ChainConfig, ChainSpace
from archsmith.values import Architecture

Layer = dict[str, str | int]


@pytest.fixture(scope="session")
def assert_learns() -> Callable[[nn.Module, tuple[int, int, int]], None]:
    """Check that a network tells four classes apart on images of a shape, and that each of its parameters has a gradient."""

    def check(network: nn.Module, shape: tuple[int, int, int]) -> None:
        logits = network(torch.rand(3, *shape, generator=torch.Generator().manual_seed(0)))
        assert logits.shape == (3, 4)
        logits.logsumexp(1).sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())

    return check


@pytest.fixture(scope="session")
def wide_space() -> ChainSpace:
    """Every operation, windows as large as the images, and strides larger than windows."""
    return ChainConfig.model_validate({
        "layers": {"min": 1, "max": 6},
        "filters": [5, 8, 32],
        "kernels": [1, 3, 7],
        "pools": [2, 3, 5, 16],
        "strides": [1, 2, 3, 8],
        "dense_layers": {"min": 0, "max": 2},
        "units": [7, 32],
    }).build()  # fmt: skip


@pytest.fixture(scope="session")
def chain() -> Callable[..., tuple[ChainSpace, Architecture]]:
    """Make a space and the architecture in it that has these layers and these dense units."""

    def make(*layers: Layer, units: tuple[int, ...] = ()) -> tuple[ChainSpace, Architecture]:
        space = ChainConfig.model_validate({
            "layers": {"min": 1, "max": 8},
            "filters": [8, 16, 32, 64],
            "kernels": [3, 5],
            "pools": [2, 3],
            "strides": [1, 2],
            "dense_layers": {"min": 0, "max": 2},
            "units": [16, 32],
        }).build()  # fmt: skip
        chosen: dict[str, str | int] = {"layers": len(layers), "dense": len(units)}
        for i, layer in enumerate(layers, start=1):
            chosen |= {f"{name}_{i}": value for name, value in {"stride": 1, **layer}.items()}
        chosen |= {f"units_{j}": n for j, n in enumerate(units, start=1)}
        return space, space.architecture(chosen)

    return make
