"""The names of the parts of networks: the same place has the same name, and no two things have one tensor's name and shape."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

from archsmith.models import build
from archsmith.models.parts import parts_of
from archsmith.spaces import SPACES
from archsmith.spaces.blocks.yaml_space import YamlConfig
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Fidelity

SHAPE = (3, 12, 12)
CONVOLUTION = {
    "when": {"op": ["conv", "mbconv"]},
    "blocks": [{"residual": [{"op": "$op", "filters": 8, "kernel": "$kernel"}]}],
}
OWN = {
    "decisions": [
        {"name": "op", "choices": ["conv", "mbconv", "max_pool_3x3"]},
        {"name": "kernel", "choices": [3, 5], "when": {"op": ["conv", "mbconv"]}},
        {"name": "depth", "choices": [1, 2, 3]},
    ],
    "network": [
        {"op": "conv", "filters": 8, "stride": 2},
        {"repeat": "$depth", "blocks": [CONVOLUTION, {"when": {"op": ["max_pool_3x3"]}, "blocks": [{"op": "$op"}]}]},
        {"branches": [[{"op": "conv", "filters": 4}], [{"op": "avgpool", "kernel": 3}], []], "join": "concat"},
        {"op": "dense", "units": 8},
    ],
}
SMALL: Mapping[str, dict[str, Any]] = {
    "cell": {"cells": 4, "channels": 4, "nodes": 2},
    "branch-of-cells": {"macro": "residual", "blocks": 2, "cells": 2, "channels": 4, "nodes": 2},
    "hierarchical": {"channels": 4, "nodes": 2},
    "nas-bench-201": {"cells": 2, "channels": 4},
    "fabric": {"channels": 4, "layers": 5, "scales": 4},
    "tree-cell": {"channels": 8, "cells": 2, "depth": 3, "branches": 2},
}


def spaces() -> dict[str, Space]:
    made = {name: config.model_validate(SMALL.get(name, {})).build() for name, config in SPACES.items() if name != "yaml"}
    return {**made, "yaml": YamlConfig.model_validate(OWN).build()}


def network_of(space: Space, architecture: Architecture, **fidelity: float) -> nn.Module:
    return build(space, architecture, SHAPE, 3, fidelity=Fidelity(1, **fidelity))


@pytest.mark.parametrize("name", SPACES)
def test_the_part_of_a_tensor_is_the_beginning_of_its_name(name: str) -> None:
    space, rng = spaces()[name], np.random.default_rng(0)
    for _ in range(5):
        network = network_of(space, space.sample(rng))
        parts = parts_of(network)
        first, *_, last = parts
        assert (first, last) == ("normalize", "classifier")
        named = [f"{part}.{tensor}" for part, module in parts.items() for tensor, _ in module.named_parameters()]
        assert named == [tensor for tensor, _ in network.named_parameters()]


@pytest.mark.parametrize("name", SPACES)
def test_equal_names_and_shapes_of_tensors_belong_to_equal_layers(name: str) -> None:
    space, rng = spaces()[name], np.random.default_rng(1)
    kinds = defaultdict(set)
    for _ in range(30):
        network = network_of(space, space.sample(rng))
        for part, module in network.named_modules():
            for tensor, value in module.named_parameters(recurse=False):
                # What a layer is, its stride and padding left out: a reduction at another place shares its weights.
                kinds[f"{part}.{tensor}", value.shape].add((type(module).__name__, getattr(module, "groups", 1)))
    assert all(len(kind) == 1 for kind in kinds.values())
    assert len(kinds) > 10


@pytest.mark.parametrize("name", SPACES)
def test_a_network_runs_on_tensors_that_all_networks_of_its_space_share_by_name_and_shape(name: str) -> None:
    space, rng = spaces()[name], np.random.default_rng(2)
    bank: dict[tuple[str, torch.Size], torch.Tensor] = {}
    x = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    for _ in range(10):
        network = network_of(space, space.sample(rng)).eval()
        mine = {key: bank.setdefault((key, tensor.shape), tensor) for key, tensor in network.state_dict().items()}
        shared = functional_call(network, mine, (x,))
        network.load_state_dict(mine)
        assert torch.equal(shared, network(x))


@pytest.mark.parametrize("name", SPACES)
def test_a_shallower_network_has_no_part_that_the_deeper_one_lacks(name: str) -> None:
    space, rng = spaces()[name], np.random.default_rng(3)
    for _ in range(5):
        architecture = space.sample(rng)
        deep, shallow = (parts_of(network_of(space, architecture, depth=depth)) for depth in (1.0, 0.5))
        # What reads another layer in the place of one that is left out brings that one's output to its own shape.
        fitting = ("in_0", "in_1", "join", "output")
        left = [part for part in shallow if part not in deep and not set(part.split(".")) & set(fitting)]
        assert not left


def test_a_decision_changes_the_names_at_its_own_place_alone() -> None:
    space = spaces()["nas-bench-201"]
    convolution, pooling = "|nor_conv_3x3~0|+|{}~0|skip_connect~1|+|none~0|nor_conv_1x1~1|nor_conv_3x3~2|", "avg_pool_3x3"
    one, other = (set(parts_of(network_of(space, space.from_text(convolution.format(op))))) for op in ("nor_conv_3x3", pooling))
    assert one ^ other == {
        f"stage_{stage}_cell_{cell}.edge_0_2.{op}" for stage in (1, 2, 3) for cell in (1, 2) for op in ("nor_conv_3x3", pooling)
    }


def test_a_node_of_a_cell_has_the_name_of_its_number_and_of_the_operation_in_it() -> None:
    space = spaces()["cell"]
    network = network_of(space, space.sample(np.random.default_rng(0)))
    nodes = [part.split(".")[:4] for part in parts_of(network) if "node_" in part]
    assert {tuple(node) for node in nodes} == {
        ("cells", f"cell_{cell}", f"node_{node}", side) for cell in (1, 2, 3, 4) for node in (2, 3) for side in "ab"
    }


def test_a_repeated_block_of_ones_own_space_is_named_by_its_place_in_the_file_and_its_repetition() -> None:
    space = spaces()["yaml"]
    chosen = {"op": "conv", "kernel": 5, "depth": 2}
    parts = list(parts_of(network_of(space, space.architecture(chosen))))
    assert parts == [
        "normalize", "block_1.conv",
        "block_2_1_1_1.branch_1.block_2_1_1_1_1.conv", "block_2_1_1_1.join.branch_1", "block_2_1_1_1.join.branch_2",
        "block_2_2_1_1.branch_1.block_2_2_1_1_1.conv", "block_2_2_1_1.join.branch_1", "block_2_2_1_1.join.branch_2",
        "block_3.branch_1.block_3_1_1.conv", "block_3.branch_2.block_3_2_1.avgpool",
        "block_3.join.branch_1", "block_3.join.branch_2", "block_3.join.branch_3",
        "global_pool", "block_4.dense", "classifier",
    ]  # fmt: skip
