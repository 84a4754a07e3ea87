from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from archsmith.spaces import SPACES
from archsmith.spaces.decisions import Decision
from archsmith.spaces.morphing import morphisms, shrinkings, unmorphable
from archsmith.spaces.space import Space
from archsmith.testing.spaces import PlainSpace
from archsmith.values import Architecture

OWN: Mapping[str, Any] = {
    "decisions": [{"name": "filters", "choices": [4, 8]}, {"name": "blocks", "choices": [0, 1]}],
    "network": [
        {"op": "conv", "filters": "$filters"},
        {"repeat": "$blocks", "blocks": [{"residual": [{"op": "conv", "filters": 8}]}]},
    ],
}


def space_of(name: str, **settings: Any) -> Space:
    return SPACES[name].model_validate(settings).build()


def said(space: Space, architecture: Architecture) -> list[str]:
    return [f"{step.operation}: {step.what}" for step in morphisms(space, architecture)]


@pytest.mark.parametrize("name", sorted(SPACES))
def test_steps_lead_to_other_architectures_of_the_space(name: str) -> None:
    space = space_of(name, **(OWN if name == "yaml" else {}))
    rng = np.random.default_rng(0)
    for _ in range(3):
        architecture = space.sample(rng)
        growing, shrinking = list(morphisms(space, architecture)), list(shrinkings(space, architecture))
        assert {step.operation for step in shrinking} <= {"shrink"}
        assert "shrink" not in {step.operation for step in growing}
        for steps in (growing, shrinking):
            found = [step.architecture for step in steps]
            for one in found:
                assert space.from_text(space.to_text(one)) == one
            assert architecture not in found
            assert len(set(found)) == len(found)
        assert list(morphisms(space, architecture)) == growing


def test_images_that_pass_a_relu_first_are_images_yet() -> None:
    network = [{"op": "batchnorm"}, {"op": "relu"}, {"op": "$op", "filters": "$f"}, {"op": "conv", "filters": 16}]
    decisions = [{"name": "op", "choices": ["conv", "sepconv"]}, {"name": "f", "choices": [8, 16]}]
    space = space_of("yaml", decisions=decisions, network=network)
    assert unmorphable(space) is None


def test_a_chain_is_widened_deepened_and_given_larger_kernels() -> None:
    space = space_of(
        "chain", layers={"min": 1, "max": 3}, filters=[4, 8], pools=[2], operations=["conv", "maxpool"], units=[4, 16]
    )
    architecture = space.from_text(
        "layers=2 op_1=maxpool pool_1=2 stride_1=2 op_2=conv filters_2=4 kernel_2=3 stride_2=2 dense=0"
    )
    assert said(space, architecture) == [
        "widen: filters_2 4 → 8",
        "kernel: kernel_2 3 → 5",
        "deepen: layer 3: conv 3x3, 4",  # not before the convolution: what comes in there has no ReLU yet
        "deepen: layer 3: conv 5x5, 4",
        "deepen: dense layer 1: 4",
    ]


def test_a_chain_loses_one_layer_at_a_time() -> None:
    space = space_of("chain", layers={"min": 1, "max": 3}, filters=[4, 8], dense_layers={"min": 0, "max": 0})
    first, second, third = "filters_1=4 kernel_1=3 stride_1=1", "pool_2=2 stride_2=2", "filters_3=8 kernel_3=3 stride_3=1"
    three = f"layers=3 op_1=conv {first} op_2=maxpool {second} op_3=conv {third} dense=0"
    without = {step.what: space.to_text(step.architecture) for step in shrinkings(space, space.from_text(three))}
    assert without["without layer 1"] == (
        "layers=2 op_1=maxpool pool_1=2 stride_1=2 op_2=conv filters_2=8 kernel_2=3 stride_2=1 dense=0"
    )
    assert without["without layer 3"] == (
        "layers=2 op_1=conv filters_1=4 kernel_1=3 stride_1=1 op_2=maxpool pool_2=2 stride_2=2 dense=0"
    )


def test_only_what_changes_a_cell_of_nas_bench_201_is_a_step() -> None:
    space = space_of("nas-bench-201")
    cell = space.from_text("|nor_conv_1x1~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|")
    assert said(space, cell) == [
        "kernel: op_0_1 nor_conv_1x1 → nor_conv_3x3",
        "branch: op_0_3 none → nor_conv_1x1",
        "branch: op_0_3 none → nor_conv_3x3",
    ]  # node 2 leads nowhere, so that edges to it are dead


def test_the_way_down_of_a_fabric_moves_into_its_first_or_last_layer() -> None:
    space = space_of("fabric", layers=4, scales=4)
    assert said(space, space.from_text("0-1-1-2")) == ["deepen: 0-1-1-2 → 1-1-1-2", "deepen: 0-1-1-2 → 0-1-1-1"]
    assert said(space, space.from_text("0-0-1-1")) == []


def test_a_block_that_does_not_expand_its_channels_is_never_made_to() -> None:
    space = space_of("mobile", stages=[{"channels": 8}], depth={"min": 1, "max": 2}, expansions=[1, 2, 4], kernels=[3])
    assert said(space, space.from_text("depth_1=1 expansion_1_1=1")) == [
        f"deepen: depth_1 1 → 2, expansion_1_2 {n}" for n in (1, 2, 4)
    ]
    assert said(space, space.from_text("depth_1=2 expansion_1_1=2 expansion_1_2=1")) == ["widen: expansion_1_1 2 → 4"]


def test_a_branch_whose_projection_would_be_left_out_is_not_widened() -> None:
    space = space_of("branch", layers={"min": 2, "max": 2}, operations=["conv"], filters=[4, 8], kernels=[3], strides=[1],
                     joins=["sum"], branches=1, stem=8)  # fmt: skip
    layers = "op_1=conv filters_1=4 kernel_1=3 stride_1=1 op_2=conv filters_2=8 kernel_2=3 stride_2=1"
    summed = f"layers=2 {layers} join_2=sum join_output=none"
    assert said(space, space.from_text(summed)) == [
        # Not layer 1 to 8 filters: what layer 2 adds to it, the stem, has 8, and a projection to 4 that would be lost.
        "branch: join_output none → sum, skip_output_1 False → True"
    ]


def test_of_a_space_of_ones_own_decisions_with_exact_steps_are_found() -> None:
    space = space_of("yaml", **OWN)
    assert said(space, space.from_text("filters=4 blocks=0")) == ["widen: filters 4 → 8"]
    assert said(space, space.from_text("filters=8 blocks=0")) == ["deepen: blocks 0 → 1"]
    assert said(space, space.from_text("filters=4 blocks=1")) == []  # the projection around the block would be left out


@pytest.mark.parametrize(
    ("name", "settings", "why"),
    [
        ("cell", {"operations": ["skip_connect", "max_pool_3x3"]}, "it needs `operations` that differ in their kernel alone"),
        ("yaml", {"decisions": [{"name": "a", "choices": [1, 2]}]}, "the space has no `network`"),
    ],
)
def test_a_space_without_steps_says_what_it_needs(name: str, settings: dict[str, Any], why: str) -> None:
    assert why in (unmorphable(space_of(name, **settings)) or "")


def test_a_space_that_is_not_known_says_which_are() -> None:
    why = unmorphable(PlainSpace("towers", [Decision("height", (1, 2))]))
    assert why is not None
    assert why.startswith("no exact morphism is known between networks of the space 'towers'; there are some in: chain, ")


@pytest.mark.parametrize("name", sorted({*SPACES} - {"yaml"}))
def test_every_space_of_ours_has_steps_as_it_is_set(name: str) -> None:
    assert unmorphable(space_of(name)) is None
