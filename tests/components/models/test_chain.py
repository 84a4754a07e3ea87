import math
from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import nn

from archsmith.models import build
from archsmith.models.chain import kept
from archsmith.models.cost import FULL, cost_of
from archsmith.models.parts import parts_of
from archsmith.spaces.chain import ChainSpace
from archsmith.values import Architecture, Fidelity

Make = Callable[..., tuple[ChainSpace, Architecture]]
Check = Callable[[nn.Module, tuple[int, int, int]], None]

CONV = {"op": "conv", "filters": 16, "kernel": 3}


def kinds(network: nn.Module) -> list[str]:
    parts = parts_of(network).values()
    layers = (layer for part in parts for layer in (part if type(part) is nn.Sequential else (part,)))
    return [type(layer).__name__ for layer in layers]


def test_two_convolutions_have_the_parameters_and_multiply_adds_of_the_closed_form(chain: Make) -> None:
    space, architecture = chain(CONV, {**CONV, "stride": 2})
    counted = cost_of(space, architecture, (1, 8, 8), 10)
    first, second, classifier = 1 * 16 * 3 * 3, 16 * 16 * 3 * 3, 16 * 10
    norms = 2 * 16 + 2 * 16
    assert counted.n_params == first + second + norms + classifier + 10 == 2682
    assert counted.flops == 8 * 8 * first + 4 * 4 * second + classifier == 46_240


def test_a_separable_convolution_a_pooling_and_a_dense_layer_have_those_of_the_closed_form(chain: Make) -> None:
    layers = (
        {"op": "sepconv", "filters": 32, "kernel": 5, "stride": 2},
        {"op": "maxpool", "pool": 2, "stride": 2},
        {"op": "conv", "filters": 64, "kernel": 3},
    )
    space, architecture = chain(*layers, units=(32,))
    counted = cost_of(space, architecture, (3, 28, 28), 10)
    depthwise, pointwise, convolution, dense, classifier = 3 * 5 * 5, 3 * 32, 32 * 64 * 3 * 3, 64 * 32, 32 * 10
    norms = 2 * (3 + 32 + 64)
    assert counted.n_params == depthwise + pointwise + convolution + norms + dense + 32 + classifier + 10
    assert counted.flops == 14 * 14 * (depthwise + pointwise) + 7 * 7 * convolution + dense + classifier


def test_a_pooling_on_an_image_of_odd_sides_counts_the_windows_that_jut_out(chain: Make) -> None:
    space, architecture = chain({"op": "avgpool", "pool": 3, "stride": 2}, {"op": "conv", "filters": 8, "kernel": 5})
    counted = cost_of(space, architecture, (3, 6, 7), 2)  # 6 x 7 -> 3 x 3
    assert counted.n_params == 3 * 8 * 25 + 2 * 8 + 8 * 2 + 2
    assert counted.flops == 3 * 3 * (3 * 8 * 25) + 8 * 2


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 5, 7), (1, 28, 28), (3, 32, 32), (2, 1, 1)], ids=str)
def test_any_architecture_takes_images_of_any_size_and_learns(
    wide_space: ChainSpace, shape: tuple[int, int, int], assert_learns: Check
) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert_learns(build(wide_space, wide_space.sample(rng), shape, 4, fidelity=FULL), shape)


def test_a_pooling_window_is_never_larger_than_the_image(chain: Make) -> None:
    pools = [{"op": "maxpool", "pool": 3, "stride": 2}] * 6  # 28, 14, 7, 3, 1, 1, 1
    space, architecture = chain(*pools)
    network = build(space, architecture, (1, 28, 28), 10, fidelity=FULL)
    assert [layer.kernel_size for layer in network.modules() if isinstance(layer, nn.MaxPool2d)] == [3, 3, 3, 3, 1, 1]
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 10)


def test_the_layers_come_in_the_order_of_the_decisions(chain: Make) -> None:
    pool, separable = {"op": "maxpool", "pool": 2}, {"op": "sepconv", "filters": 8, "kernel": 5}
    space, architecture = chain(CONV, pool, separable, units=(16, 32))
    network = build(space, architecture, (1, 8, 8), 10, fidelity=FULL)
    assert kinds(network) == [
        "Normalize", "ConvBlock", "MaxPool2d", "SeparableBlock", "GlobalPool", "Linear", "ReLU", "Linear", "ReLU", "Linear",
    ]  # fmt: skip


@pytest.mark.parametrize(("width", "filters", "units"), [(1.0, 16, 32), (0.5, 8, 16), (0.25, 4, 8), (0.01, 4, 4), (0.9, 16, 28)])
def test_the_width_scales_filters_and_units_to_multiples_of_four(chain: Make, width: float, filters: int, units: int) -> None:
    space, architecture = chain(CONV, CONV, units=(32,))
    network = build(space, architecture, (1, 8, 8), 10, fidelity=Fidelity(1, width=width))
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    linears = [m for m in network.modules() if isinstance(m, nn.Linear)]
    assert [(m.in_channels, m.out_channels) for m in convolutions] == [(1, filters), (filters, filters)]
    assert [(m.in_features, m.out_features) for m in linears] == [(filters, units), (units, 10)]


@pytest.mark.parametrize(
    ("layers", "depth", "left"),
    [
        (6, 1.0, [1, 2, 3, 4, 5, 6]),
        (6, 0.5, [1, 3, 5]),
        (6, 0.34, [1, 4]),
        (6, 0.01, [1]),
        (1, 0.5, [1]),
        (5, 0.8, [1, 2, 3, 4]),
        (4, 0.75, [1, 2, 3]),
    ],
)
def test_the_depth_keeps_a_share_of_the_layers_evenly_spaced(layers: int, depth: float, left: list[int]) -> None:
    assert kept(layers, depth) == left


def test_the_layers_that_are_kept_are_evenly_spaced_for_every_number_and_depth() -> None:
    for layers in range(1, 20):
        for depth in np.linspace(0.05, 1, 20):
            left = kept(layers, float(depth))
            assert len(left) == max(1, round(layers * depth))
            assert left[0] == 1
            assert left[-1] <= layers
            gaps = {b - a for a, b in pairwise(left)}
            assert gaps <= {math.floor(layers / len(left)), math.ceil(layers / len(left))}


def test_a_shallower_network_has_the_first_of_its_layers_and_no_channels_of_those_left_out(chain: Make) -> None:
    wide = {"op": "conv", "filters": 64, "kernel": 3}
    space, architecture = chain(CONV, wide, {**CONV, "filters": 8}, wide)
    network = build(space, architecture, (1, 8, 8), 10, fidelity=Fidelity(1, depth=0.5))
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [(m.in_channels, m.out_channels) for m in convolutions] == [(1, 16), (16, 8)]
    assert network(torch.rand(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("side", range(1, 12))
def test_poolings_in_any_order_fit_any_image(wide_space: ChainSpace, side: int) -> None:
    strides, pools = (1, 2, 3, 8), (2, 3, 5, 16)
    for first, second, stride in product(pools, pools, strides):
        chosen = {"layers": 2, "dense": 0, "op_1": "maxpool", "op_2": "avgpool"}
        chosen |= {"pool_1": first, "stride_1": stride, "pool_2": second, "stride_2": 1}
        network = build(wide_space, wide_space.architecture(chosen), (1, side, side + 1), 2, fidelity=FULL)
        assert network(torch.rand(1, 1, side, side + 1)).shape == (1, 2)
