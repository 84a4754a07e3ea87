from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from archsmith.models import build
from archsmith.models.blocks import GlobalPool
from archsmith.models.initialise import initialise
from archsmith.models.widening import widened
from archsmith.spaces import SPACES
from archsmith.spaces.chain import ChainSpace
from archsmith.spaces.space import Space, Widens
from archsmith.values import Architecture, Fidelity

SHAPE = (3, 12, 12)


def network_of(space: Space, architecture: Architecture, seed: int = 0, **fidelity: float) -> nn.Module:
    network = build(space, architecture, SHAPE, 5, fidelity=Fidelity(1, **fidelity), mean=[0.4] * 3, std=[0.2] * 3)
    initialise(network, torch.Generator().manual_seed(seed))
    return network


def convolutions(space: ChainSpace, *filters: int, kernel: int = 3) -> Architecture:
    layers = {f"{name}_{i}": value for i, n in enumerate(filters, start=1)
              for name, value in {"op": "conv", "filters": n, "kernel": kernel, "stride": 1}.items()}  # fmt: skip
    return space.architecture({"layers": len(filters), "dense": 0, **layers})


def images(n: int = 8) -> torch.Tensor:
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(1))


def trained(network: nn.Module, steps: int = 3) -> nn.Module:
    """Take some steps, so that no weights and no statistics of the normalisation are as they were made."""
    optimizer = torch.optim.SGD(network.train().parameters(), lr=0.05, momentum=0.9)
    for step in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images()), (torch.arange(8) + step) % 5).backward()
        optimizer.step()
    return network


def widen(narrow: nn.Module, wide: nn.Module) -> nn.Module:
    wide.load_state_dict(widened(wide, narrow.state_dict(), torch.Generator().manual_seed(2)))
    return wide


@pytest.mark.parametrize(("seed", "width"), list(enumerate([0.25, 0.5, 0.7] * 2)))
def test_a_chain_that_was_widened_computes_the_same(wide_space: ChainSpace, seed: int, width: float) -> None:
    assert isinstance(wide_space, Widens)
    architecture = wide_space.sample(np.random.default_rng(seed))
    narrow = trained(network_of(wide_space, architecture, width=width))
    wide = widen(narrow, network_of(wide_space, architecture, seed=9))
    for mode in (False, True):
        want, got = narrow.train(mode)(images()), wide.train(mode)(images())
        assert (got - want).abs().max() <= 1e-5 * want.abs().max()


def test_copies_go_their_own_ways(wide_space: ChainSpace) -> None:
    architecture = convolutions(wide_space, 32, 32)
    narrow = trained(network_of(wide_space, architecture, width=0.5))
    wide = trained(widen(narrow, network_of(wide_space, architecture)), steps=10)
    (first,) = (m for name, m in wide.named_modules() if name == "layer_1.conv.0")
    assert isinstance(first, nn.Conv2d)
    apart = (first.weight[:16] - first.weight[16:]).flatten(1).norm(dim=1)
    assert (apart > 1e-5).all()  # rounding alone makes 1e-7


def test_nothing_is_changed_where_nothing_is_wider(wide_space: ChainSpace) -> None:
    network = trained(network_of(wide_space, wide_space.sample(np.random.default_rng(3))))
    made = widened(network, network.state_dict(), torch.Generator())
    assert all(torch.equal(value, made[name]) for name, value in network.state_dict().items())


def test_networks_that_are_no_line_are_widened_too() -> None:
    space = SPACES["nas-bench-201"].model_validate({"channels": 8, "cells": 1}).build()
    architecture = space.sample(np.random.default_rng(0))
    narrow = trained(network_of(space, architecture, width=0.5))
    wide = widen(narrow, network_of(space, architecture, seed=9)).eval()
    want = narrow.eval()(images())
    assert (wide(images()) - want).abs().max() <= 1e-5 * want.abs().max()


def test_what_can_not_be_traced_is_refused() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.PReLU(4), GlobalPool(), nn.Linear(4, 5))
    with pytest.raises(ValueError, match=r"^a network can't be widened exactly where '1', a PReLU, is not known here$"):
        widened(network, network.state_dict(), torch.Generator())


@pytest.mark.parametrize(
    ("narrow", "wide", "said"),
    [
        (
            {"filters": (32,)},
            {"filters": (8,)},
            r"^a network of other filters can't be widened into this one: 'layer_1\.conv\.0'$",
        ),
        ({"filters": (8,)}, {"filters": (8, 8)}, r"^a network of other parts can't be widened into this one: 'layer_2\."),
        (
            {"filters": (8,)},
            {"filters": (32,), "kernel": 7},
            r"^a network of other kernels can't be widened into this one: 'layer_1\.conv\.0\.weight'$",
        ),
    ],
    ids=["narrower", "deeper", "another kernel"],
)
def test_what_is_not_just_wider_is_refused(
    wide_space: ChainSpace, narrow: dict[str, Any], wide: dict[str, Any], said: str
) -> None:
    made = [network_of(wide_space, convolutions(wide_space, *of.pop("filters"), **of)) for of in (dict(narrow), dict(wide))]
    with pytest.raises(ValueError, match=said):
        widen(*made)
