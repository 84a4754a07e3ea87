from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from archsmith.models import build
from archsmith.models.initialise import initialise
from archsmith.models.morphisms import Inherited, inherit
from archsmith.spaces import SPACES
from archsmith.spaces.morphing import morphisms, shrinkings
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Fidelity

SHAPE = (3, 8, 8)

SMALL: Mapping[str, Mapping[str, Any]] = {
    "chain": {"filters": [4, 6, 8], "kernels": [1, 3, 5], "units": [6, 8], "dense_layers": {"min": 0, "max": 2}},
    "mobile": {
        "stem": 8, "head": 16, "stages": [{"channels": 8}, {"channels": 16, "stride": 2}], "depth": {"min": 1, "max": 2},
        "expansions": [1, 2, 3], "kernels": [3, 5], "squeeze_excitation": [False, True],
    },
    "nas-bench-201": {"channels": 4, "cells": 1},
    "cell": {"nodes": 2, "channels": 4, "cells": 2, "reduce_at": [1], "operations": "nasnet"},
    "branch": {"layers": {"min": 2, "max": 4}, "filters": [4, 8], "stem": 4},
    "branch-of-cells": {"nodes": 2, "channels": 4, "blocks": 2, "cells": 1},
    "hierarchical": {"nodes": 2, "channels": 4, "layers": {"min": 2, "max": 3}},
    "fabric": {"layers": 4, "scales": 2, "channels": 4, "doubling": True},
    "tree-cell": {"depth": 2, "branches": 2, "channels": 6, "cells": 1},
    "yaml": {
        "decisions": [{"name": "f", "choices": [4, 6]}, {"name": "k", "choices": [1, 3]}, {"name": "n", "choices": [0, 1, 2]}],
        "network": [
            {"op": "conv", "filters": "$f", "kernel": "$k"},
            {"repeat": "$n", "blocks": [{"residual": [{"op": "mbconv", "filters": 6, "expansion": 2, "se": True}]}]},
        ],
    },
}  # fmt: skip
"""Settings of each space whose networks are small."""


def images(n: int = 8, seed: int = 1) -> torch.Tensor:
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(seed))


def network_of(space: Space, architecture: Architecture, seed: int) -> nn.Module:
    network = build(space, architecture, SHAPE, 5, fidelity=Fidelity(1), mean=[0.4] * 3, std=[0.2] * 3)
    initialise(network, torch.Generator().manual_seed(seed))
    return network


@torch.no_grad()
def lived(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give normalisations weights, biases and statistics, and linear layers biases, that are not those of a fresh network."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.uniform_(0.5, 1.5, generator=generator)
            module.bias.normal_(0, 0.3, generator=generator)
        elif isinstance(module, nn.Linear):
            module.bias.normal_(0, 0.2, generator=generator)
    for step in range(3):
        network.train()(images(seed=step))
    return network.eval()


@torch.no_grad()
def apart(parent: nn.Module, child: nn.Module, *, training: bool) -> float:
    """Return by how much logits differ, as a share of the largest; in training mode on the images that inheriting has seen."""
    x = images(seed=1 if training else 2)
    want, got = parent.train(training)(x), child.train(training)(x)
    return float((got - want).abs().max() / want.abs().max())


def inherited(parent: nn.Module, child: nn.Module) -> Inherited:
    return inherit(parent, child, images=images(), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("name", SMALL)
def test_each_morphism_keeps_what_the_network_computes(name: str) -> None:
    space = SPACES[name].model_validate(SMALL[name]).build()
    rng = np.random.default_rng(0)
    architecture = space.sample(rng)
    parent = lived(network_of(space, architecture, 0))
    steps = list(morphisms(space, architecture))
    assert steps
    for operation in dict.fromkeys(step.operation for step in steps):
        found = [step for step in steps if step.operation == operation]
        step = found[rng.integers(len(found))]
        child = network_of(space, step.architecture, 1)
        result = inherited(parent, child)
        assert result.same, step.what
        assert result.approximate == 0, step.what
        assert apart(parent, child, training=False) <= 1e-5, step.what
        assert apart(parent, child, training=True) <= 0.05, step.what


@pytest.mark.parametrize("name", SMALL)
def test_what_shrinks_says_that_it_is_not_exact(name: str) -> None:
    space = SPACES[name].model_validate(SMALL[name]).build()
    rng = np.random.default_rng(1)
    drawn = (space.sample(rng) for _ in range(50))
    architecture, steps = next((a, found[:2]) for a in drawn if (found := list(shrinkings(space, a))))
    parent = lived(network_of(space, architecture, 0))
    for step in steps:
        child = network_of(space, step.architecture, 1)
        result = inherited(parent, child)
        assert not result.same, step.what
        assert result.exact + result.approximate == pytest.approx(1), step.what
        assert child(images()).isfinite().all()


def pair(name: str, before: str, after: str, **settings: Any) -> tuple[nn.Module, nn.Module]:
    space = SPACES[name].model_validate({**SMALL[name], **settings}).build()
    return lived(network_of(space, space.from_text(before), 0)), network_of(space, space.from_text(after), 1)


CONVOLUTIONS = {"operations": ["identity", "conv_1x1", "conv_3x3", "sep_conv_3x3", "dil_conv_3x3", "max_pool_3x3", "se"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("conv_3x3", "add(conv_3x3,conv_3x3,conv_3x3)"),
        ("sep_conv_3x3", "concat(sep_conv_3x3,sep_conv_3x3)"),
        ("dil_conv_3x3", "concat(dil_conv_3x3,dil_conv_3x3,dil_conv_3x3)"),
        ("max_pool_3x3", "split-concat(max_pool_3x3,max_pool_3x3)"),
        ("identity", "add(identity,identity)"),  # twice of it, of which the readers take half
        ("se", "add(se,se)"),
    ],
)
def test_a_layer_is_split(before: str, after: str) -> None:
    parent, child = pair("tree-cell", before, after, depth=1, branches=3, **CONVOLUTIONS)
    assert inherited(parent, child).same
    assert apart(parent, child, training=False) <= 1e-5
    assert apart(parent, child, training=True) <= 0.05


def test_copies_that_are_added_have_shares() -> None:
    parent, child = pair("tree-cell", "conv_3x3", "add(conv_3x3,conv_3x3)", depth=1, **CONVOLUTIONS)
    result = inherited(parent, child)
    old, new = (dict(network.named_parameters()) for network in (parent, child))
    weight = "stage_1_cell_1.edge_{}.conv_3x3.2.weight"
    torch.testing.assert_close(new[weight.format(1)] + new[weight.format(2)], old[weight.format(1)])
    assert {result.operations[f"stage_1_cell_1.edge_{k}.conv_3x3"] for k in (1, 2)} == {"split"}


def test_several_steps_at_once_are_exact_too() -> None:
    parent, child = pair(
        "nas-bench-201",
        "|nor_conv_1x1~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|nor_conv_1x1~0|none~1|skip_connect~2|",
    )
    assert inherited(parent, child).same
    assert apart(parent, child, training=False) <= 1e-5


CONV = {"op": "conv", "filters": 8}


@pytest.mark.parametrize(
    "repeated",
    [
        [
            {"op": "conv", "filters": 8, "kernel": 5},
            {"residual": [CONV]},
        ],  # what it adds is zero, and not what comes in
        [{"residual": [{"op": "sep_conv_3x3"}, {"op": "avgpool"}]}, {"residual": [CONV]}],  # poolings pad, and keep zeros
    ],
)
@pytest.mark.parametrize("n", [1, 2])
def test_blocks_of_several_kinds_that_are_repeated_once_more_are_exact(repeated: list[Mapping[str, Any]], n: int) -> None:
    network = [CONV, {"repeat": "$n", "blocks": repeated}, CONV]
    space = SPACES["yaml"].model_validate({"decisions": [{"name": "n", "choices": [1, 2, 3]}], "network": network}).build()
    old, new = (space.architecture({"n": k}) for k in (n, n + 1))
    assert new in {morphism.architecture for morphism in morphisms(space, old)}
    parent, child = lived(network_of(space, old, 0)), network_of(space, new, 1)
    assert inherited(parent, child).same
    assert apart(parent, child, training=False) < 1e-5


def test_what_begins_at_zero_learns() -> None:
    some = "|nor_conv_1x1~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
    parent, child = pair("nas-bench-201", some, some.replace("none~0|skip", "nor_conv_3x3~0|skip"))
    result = inherited(parent, child)
    assert result.same
    assert result.operations["stage_2_cell_1.edge_0_3.nor_conv_3x3"] == "zero"
    optimizer = torch.optim.SGD(child.train().parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        child(images()).logsumexp(1).sum().backward()
        optimizer.step()
    new = [p.grad for name, p in child.named_parameters() if "edge_0_3" in name]
    assert all(gradient is not None and gradient.abs().max() > 0 for gradient in new)


def test_a_gate_that_is_new_learns_from_the_beginning() -> None:
    block = "depth_1=1 kernel_1_1=3 expansion_1_1=2 se_1_1={} depth_2=1 kernel_2_1=3 expansion_2_1=2 se_2_1=False"
    parent, child = pair("mobile", block.format(False), block.format(True))
    assert inherited(parent, child).same
    child.train()(images()).logsumexp(1).sum().backward()
    gate = {name: p.grad for name, p in child.named_parameters() if "gate.excite" in name}
    assert len(gate) == 2
    assert all(gradient is not None and gradient.abs().max() > 0 for gradient in gate.values())


def test_what_can_not_be_the_same_says_so_and_takes_what_is_alike() -> None:
    cells = (f"|nor_conv_3x3~0|+|none~0|none~1|+|none~0|{op}~1|none~2|" for op in ("skip_connect", "avg_pool_3x3"))
    parent, child = pair("nas-bench-201", *cells)
    result = inherited(parent, child)
    assert not result.same
    assert result.exact + result.approximate == pytest.approx(1)
    assert 0 < result.exact < 1  # up to the pooling, it computes what the other one does
    old, new = parent.state_dict(), child.state_dict()
    assert all(torch.equal(value, new[name]) for name, value in old.items())


def test_the_same_generator_gives_the_same_child_which_shares_nothing_with_its_parent() -> None:
    layers = "layers=2 op_1=conv filters_1={} kernel_1=3 stride_1=1 op_2=maxpool pool_2=2 stride_2=2 dense=0"
    parent, child = pair("chain", layers.format(4), layers.format(8))
    before = {name: value.clone() for name, value in parent.state_dict().items()}
    inherited(parent, child)
    first = {name: value.clone() for name, value in child.state_dict().items()}
    inherited(parent, child)
    assert all(torch.equal(value, first[name]) for name, value in child.state_dict().items())
    for value in child.state_dict().values():
        value.zero_()
    assert all(torch.equal(value, before[name]) for name, value in parent.state_dict().items())


class Restless(nn.Module):
    """Does different things to different images."""

    def __init__(self, c_out: int, scale: float = 1.0) -> None:
        super().__init__()
        self.layer = nn.Linear(3, c_out)
        self.head = nn.Linear(c_out, 5)
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x.mean((2, 3)))
        logits: torch.Tensor = self.scale * self.head(y if y.sum() > 0 else -y)
        return logits


def test_a_network_that_is_not_a_graph_takes_what_is_of_equal_name_and_shape() -> None:
    parent, child = Restless(6), Restless(8)
    result = inherited(parent, child)
    assert not result.same
    assert result.approximate == pytest.approx(5 / (3 * 8 + 8 + 8 * 5 + 5))
    assert result.operations["network"].startswith("equal names and shapes: it can't be traced: ")
    assert torch.equal(child.head.bias, parent.head.bias)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_such_a_network_is_the_same_only_where_it_computes_the_same(scale: float) -> None:
    result = inherited(Restless(6), Restless(6, scale))
    assert result.same == (scale == 1)
    assert (result.exact, result.approximate) == ((1.0, 0.0) if scale == 1 else (0.0, 1.0))


def test_without_a_hidden_layer_the_classifier_is_that_of_the_parent_and_not_the_layers_rows() -> None:
    space = SPACES["chain"].model_validate(SMALL["chain"]).build()
    rng, told = np.random.default_rng(0), 0
    while told < 5:
        parent = space.sample(rng)
        without = [m.architecture for m in shrinkings(space, parent) if "dense layer" in m.what]
        if not without:
            continue
        told += 1
        old, new = lived(network_of(space, parent, 0)), network_of(space, without[0], 1)
        found = inherit(old, new, images=images(), generator=torch.Generator().manual_seed(0))
        assert not found.same
        assert found.exact < 1
