from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from archsmith.evaluation.export import export
from archsmith.models import build
from archsmith.models.cost import FULL, Cost, cost_of
from archsmith.models.nas_bench_201 import Cell
from archsmith.spaces.nas_bench_201 import NasBench201Config, NasBench201Space
from archsmith.values import Fidelity

CIFAR = (3, 32, 32)


def notation(letters: str) -> str:
    """Write a cell by a letter an edge: none, skip, 1x1, 3x3, pool."""
    names = {"n": "none", "s": "skip_connect", "1": "nor_conv_1x1", "3": "nor_conv_3x3", "p": "avg_pool_3x3"}
    return "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*(names[letter] for letter in letters))


@pytest.fixture(scope="module")
def space() -> NasBench201Space:
    return NasBench201Config().build()


def small(**settings: Any) -> NasBench201Space:
    return NasBench201Config.model_validate({"channels": 4, "cells": 1, **settings}).build()


@pytest.mark.parametrize(
    ("cell", "millions_of_params", "millions_of_flops"),
    [("333333", 1.53, 220.12), ("ssssss", 0.073, 7.78), ("nnnnnn", 0.073, 7.78)],
)
def test_the_largest_and_the_smallest_network_have_the_published_size(space, cell, millions_of_params, millions_of_flops):
    counted = cost_of(space, space.from_text(notation(cell)), CIFAR, 10)
    assert counted.n_params / 1e6 == pytest.approx(millions_of_params, abs=0.002)
    assert counted.flops / 1e6 == pytest.approx(millions_of_flops, abs=0.005)


@pytest.mark.parametrize(("cell", "ones", "threes"), [("n3nnns", 0, 1), ("31s1p3", 2, 2), ("pppppp", 0, 0), ("331n3n", 0, 2)])
def test_any_network_has_the_parameters_and_multiply_adds_of_the_closed_form(space, cell, ones, threes):
    n_params = flops = 0

    def convolution(c_in: int, c_out: int, kernel: int, side: int, *, norm: bool = True) -> None:
        nonlocal n_params, flops
        n_params += c_in * c_out * kernel**2 + 2 * c_out * norm
        flops += c_in * c_out * kernel**2 * side**2

    convolution(3, 16, 3, 32)
    for channels, side in ((16, 32), (32, 16), (64, 8)):
        if channels > 16:
            convolution(channels // 2, channels, 3, side)
            convolution(channels, channels, 3, side)
            convolution(channels // 2, channels, 1, side, norm=False)
        for _ in range(5):
            for kernel in (1,) * ones + (3,) * threes:
                convolution(channels, channels, kernel, side)
    expected = Cost(n_params + 2 * 64 + 64 * 10 + 10, flops + 64 * 10)
    assert cost_of(space, space.from_text(notation(cell)), CIFAR, 10) == expected


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 9, 7), (2, 1, 1)], ids=str)
def test_any_architecture_takes_images_of_any_size_and_learns(shape, assert_learns):
    space, rng = small(), np.random.default_rng(0)
    for architecture in [space.from_text(notation("nnnnnn")), *(space.sample(rng) for _ in range(15))]:
        assert_learns(build(space, architecture, shape, 4, fidelity=FULL), shape)


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_network_of_every_operation_is_exported_for_images_of_odd_sides():
    space = small()
    network = build(space, space.from_text(notation("3np1ns")), (1, 9, 7), 10, fidelity=FULL)
    assert max(export(network, torch.rand(3, 1, 9, 7), {}).agreement.values()) < 1e-4


@pytest.mark.parametrize(
    ("one", "other"),
    [("31nns3", "13nn3s"), ("331n3n", "3nnn3n"), ("nn3s33", "nnnsnn"), ("ppnss3", "ppnsn3"), ("snnspn", "snnpsn")],
)
def test_architectures_are_the_same_exactly_if_they_are_the_same_function_with_the_same_weights(one, other):
    space = small()
    first, second = space.from_text(notation(one)), space.from_text(notation(other))
    networks = [build(space, a, (1, 8, 8), 2, fidelity=FULL) for a in (first, second)]
    assert same_function(*networks) == (space.canonical(first) == space.canonical(second))


def same_function(network: nn.Sequential, other: nn.Sequential) -> bool:
    """Tell whether some way to deal the convolutions of `network`'s cells out to `other`'s makes their outputs equal."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # a shift, so that what is dead would show if it were not
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    other.load_state_dict({k: v for k, v in network.state_dict().items() if ".edge_" not in k}, strict=False)
    x = torch.rand(2, 1, 8, 8)
    cells = [(a, b) for a, b in zip(network, other, strict=True) if isinstance(a, Cell) and isinstance(b, Cell)]
    ours, theirs = ([name for name, edge in edges.items() if list(edge.parameters())] for edges in cells[0])
    for dealt in permutations(ours):
        for a, b in cells:
            for mine, yours in zip(dealt, theirs, strict=True):
                if list(a[mine]) == list(b[yours]):  # the same operation
                    b[yours].load_state_dict(a[mine].state_dict())
        if torch.allclose(network.eval()(x), other.eval()(x), atol=1e-5):
            return True
    return False


@pytest.mark.parametrize(("depth", "cells"), [(1.0, 5), (0.4, 2), (0.01, 1)])
def test_depth_scales_the_cells_and_width_the_channels(space, depth, cells):
    network = build(space, space.from_text(notation("333333")), CIFAR, 10, fidelity=Fidelity(1, width=0.5, depth=depth))
    assert [type(m).__name__ for m in network].count("Cell") == 3 * cells
    assert network[-1].in_features == 32
    assert network(torch.rand(2, *CIFAR)).shape == (2, 10)
