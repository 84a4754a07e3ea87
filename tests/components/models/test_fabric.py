from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from archsmith.evaluation.export import export
from archsmith.models import build
from archsmith.models.cost import FULL, Cost, cost_of
from archsmith.models.fabric import finer
from archsmith.models.initialise import initialise
from archsmith.spaces.fabric import FabricConfig, FabricSpace
from archsmith.values import Fidelity


def space_of(**settings: Any) -> FabricSpace:
    return FabricConfig.model_validate({"layers": 4, "scales": 3, "channels": 8, **settings}).build()


@pytest.mark.parametrize("sides", [(8, 8), (7, 5), (1, 1), (2, 1), (1, 6)], ids=str)
def test_to_a_finer_scale_maps_are_convolved_with_zeros_between_their_pixels(sides):
    generator = torch.Generator().manual_seed(0)
    layer = finer(3, 5, sides)
    x = torch.rand(2, 3, -(-sides[0] // 2), -(-sides[1] // 2), generator=generator)
    spread = torch.zeros(2, 3, *sides)
    spread[:, :, ::2, ::2] = x
    # A transposed convolution has its kernel turned by 180 degrees, and inputs and outputs the other way round.
    expected = F.conv2d(spread, layer.weight.transpose(0, 1).flip(2, 3), padding=1)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("doubling", [False, True])
def test_a_network_has_the_parameters_and_multiply_adds_of_the_closed_form(doubling):
    space = space_of(doubling=doubling)
    a, b, c = (8, 16, 32) if doubling else (8, 8, 8)
    # Down to 8 x 8 within the first layer, up, on, down, and down to 4 x 4 within the last.
    kernels = 9 * (3 * a + a * b + b * a + a * a + a * b + b * c)
    norms = 2 * (a + b + a + a + b + c)
    flops = 9 * (16**2 * 3 * a + 8**2 * a * b + 8**2 * b * a + 16**2 * a * a + 8**2 * a * b + 4**2 * b * c) + c * 10
    assert cost_of(space, space.from_text("1-0-0-1"), (3, 16, 16), 10) == Cost(kernels + norms + c * 10 + 10, flops)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 33, 20), (3, 9, 7), (2, 1, 1)], ids=str)
def test_any_path_takes_images_of_any_size_and_learns(shape, assert_learns):
    space, rng = space_of(layers=6, scales=6), np.random.default_rng(0)
    for _ in range(5):
        assert_learns(build(space, space.sample(rng), shape, 4, fidelity=FULL), shape)


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_network_that_goes_up_and_down_is_exported():
    space = space_of()
    network = build(space, space.from_text("2-1-0-1"), (1, 9, 8), 10, fidelity=FULL)
    assert max(export(network, torch.rand(3, 1, 9, 8), {}).agreement.values()) < 1e-4


@pytest.mark.parametrize(
    ("path", "depth", "left"),
    [
        ("0-0-0-0-0-1-1-2", 1.0, ["0_to_0"] * 4 + ["0_to_1", "1_to_1", "1_to_2"]),
        ("0-0-0-0-0-1-1-2", 0.5, ["0_to_0", "0_to_1", "1_to_1", "1_to_2"]),
        ("0-0-0-0-0-1-1-2", 0.01, ["0_to_1", "1_to_2"]),
        ("2-1-0-1-2-1-2-2", 0.01, ["0_to_1", "1_to_2", "2_to_1", "1_to_0", "0_to_1", "1_to_2", "2_to_1", "1_to_2"]),
    ],
)
def test_depth_leaves_out_convolutions_that_keep_the_scale(path, depth, left):
    space = space_of(layers=8)
    with torch.device("meta"):
        network = build(space, space.from_text(path), (1, 8, 8), 10, fidelity=Fidelity(1, depth=depth))
    assert [name.partition("_scale_")[2] for name, _ in network.named_children() if "_scale_" in name] == left
    assert network(torch.rand(2, 1, 8, 8, device="meta")).shape == (2, 10)


def test_width_scales_the_channels_of_each_scale():
    space = space_of(doubling=True)
    with torch.device("meta"):
        network = build(space, space.from_text("0-1-2-2"), (1, 8, 8), 10, fidelity=Fidelity(1, width=0.5))
    assert [p.shape[0] for name, p in network.named_parameters() if name.endswith("0.weight")] == [4, 8, 16, 16]


def test_the_weights_of_every_convolution_are_drawn_from_the_generator():
    space = space_of()
    networks = [build(space, space.from_text("1-0-1-2"), (1, 8, 8), 10, fidelity=FULL) for _ in range(2)]
    for network in networks:
        initialise(network, torch.Generator().manual_seed(0))
    first, again = (list(network.parameters()) for network in networks)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
