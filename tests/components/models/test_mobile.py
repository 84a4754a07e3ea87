from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v2

from archsmith.evaluation.export import export
from archsmith.models import build
from archsmith.models.cost import FULL, Cost, cost_of
from archsmith.spaces.mobile import MobileConfig, MobileSpace
from archsmith.values import Architecture, Fidelity

V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, depth and stride of each stage of MobileNetV2 (its table 2)."""


def space_of(**settings: Any) -> MobileSpace:
    return MobileConfig.model_validate(settings).build()


def mobilenet() -> tuple[MobileSpace, Architecture]:
    """Return a space that has MobileNetV2, and MobileNetV2 in it."""
    first = {"channels": 16, "depth": {"min": 1, "max": 1}, "expansions": [1]}
    space = space_of(stages=[first, *({"channels": c, "stride": s} for _, c, _, s in V2[1:])])
    chosen = {"kernel_1_1": 3}
    for stage, (expansion, _, depth, _) in enumerate(V2[1:], start=2):
        chosen[f"depth_{stage}"] = depth
        for block in range(1, depth + 1):
            chosen |= {f"kernel_{stage}_{block}": 3, f"expansion_{stage}_{block}": expansion}
    return space, space.architecture(chosen)


def test_mobilenet_v2_is_one_of_the_architectures_and_computes_what_torchvisions_does():
    space, architecture = mobilenet()
    counted = cost_of(space, architecture, (3, 224, 224), 1000)
    assert counted.n_params == 3_504_872
    assert counted.flops == pytest.approx(300e6, rel=0.01)
    network, known = build(space, architecture, (3, 128, 128), 1000, fidelity=FULL).eval(), mobilenet_v2(weights=None).eval()
    ours = network[1:].state_dict()
    network[1:].load_state_dict(dict(zip(ours, known.state_dict().values(), strict=True)))
    x = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network(x), known(x))


@pytest.mark.parametrize("gate", [False, True])
def test_a_network_has_the_parameters_and_multiply_adds_of_the_closed_form(gate):
    space = space_of(
        stem=8, head=32, stages=[{"channels": 8, "stride": 2}], depth={"min": 1, "max": 2}, squeeze_excitation=[False, True]
    )
    chosen = {"depth_1": 2, "kernel_1_1": 5, "expansion_1_1": 3, "se_1_1": False}
    architecture = space.architecture(chosen | {"kernel_1_2": 3, "expansion_1_2": 6, "se_1_2": gate})
    stem, head, classifier = 3 * 8 * 9 + 16, 8 * 32 + 64, 32 * 10 + 10
    first, second = 8 * 24 + 48 + 24 * 25 + 48 + 24 * 8 + 16, 8 * 48 + 96 + 48 * 9 + 96 + 48 * 8 + 16
    squeeze, excite = 48 * 12 + 12, 12 * 48 + 48
    n_params = stem + first + second + head + classifier + gate * (squeeze + excite)
    flops = 16**2 * (3 * 8 * 9 + 8 * 24) + 8**2 * (24 * 25 + 24 * 8) + 8**2 * (8 * 48 + 48 * 9 + 48 * 8)
    flops += 8**2 * 8 * 32 + 32 * 10 + gate * 2 * 48 * 12
    assert cost_of(space, architecture, (3, 32, 32), 10) == Cost(n_params, flops)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 9, 7), (2, 1, 1)], ids=str)
def test_any_architecture_takes_images_of_any_size_and_learns(shape, assert_learns):
    space, rng = space_of(head=64, squeeze_excitation=[False, True]), np.random.default_rng(0)
    for _ in range(5):
        assert_learns(build(space, space.sample(rng), shape, 4, fidelity=Fidelity(1, width=0.25)), shape)


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_network_with_a_shortcut_and_gates_is_exported():
    space = space_of(stem=8, head=16, stages=[{"channels": 8}], depth={"min": 2, "max": 2}, squeeze_excitation=[True])
    network = build(space, space.sample(np.random.default_rng(0)), (1, 8, 8), 10, fidelity=FULL)
    assert max(export(network, torch.rand(3, 1, 8, 8), {}).agreement.values()) < 1e-4


@pytest.mark.parametrize(
    ("side", "smallest", "last"), [(224, 4, 7), (32, 4, 4), (28, 4, 4), (8, 4, 4), (8, 1, 1), (3, 4, 3), (1, 1, 1), (33, 2, 2)]
)
def test_maps_are_halved_as_the_stages_say_but_not_below_the_smallest(side, smallest, last):
    space = space_of(smallest_map=smallest)
    with torch.device("meta"):
        network = build(space, space.sample(np.random.default_rng(0)), (1, side, side + 1), 10, fidelity=FULL)
        before_pooling = network[:-2](torch.zeros(2, 1, side, side + 1))
    assert before_pooling.shape[2] == last


@pytest.mark.parametrize(("depth", "blocks"), [(1.0, [1, 2, 3, 4, 3, 3, 1]), (0.5, [1, 1, 2, 2, 2, 2, 1]), (0.01, [1] * 7)])
def test_depth_keeps_a_share_of_the_blocks_of_each_stage(depth, blocks):
    space, architecture = mobilenet()
    with torch.device("meta"):
        network = build(space, architecture, (3, 224, 224), 10, fidelity=Fidelity(1, depth=depth))
    outputs = [m.layers[-1].num_features for m in network if type(m).__name__ == "InvertedBottleneck"]
    assert outputs == [c for (_, c, _, _), n in zip(V2, blocks, strict=True) for _ in range(n)]


def test_width_scales_stem_blocks_and_head_to_multiples_of_eight():
    space, architecture = mobilenet()
    with torch.device("meta"):
        network = build(space, architecture, (3, 224, 224), 10, fidelity=Fidelity(1, width=0.5))
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert (convolutions[0].out_channels, convolutions[-1].out_channels) == (16, 640)
    assert {m.out_channels % 8 for m in convolutions} == {0}
