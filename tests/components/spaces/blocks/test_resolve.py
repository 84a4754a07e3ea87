"""What becomes of blocks once every decision is made."""

from typing import Any

import pytest

from archsmith.spaces.blocks.block import Block
from archsmith.spaces.blocks.resolve import Joined, Layer, reference, resolve
from archsmith.values import Choice


def resolved(block: dict[str, Any], depth: float = 1.0, **chosen: Choice) -> Any:
    return resolve((Block.model_validate(block),), chosen.get, depth)


RELU = Layer("relu", {})


def test_settings_that_are_left_out_are_the_defaults() -> None:
    (layer,) = resolved({"op": "mbconv", "filters": 8})
    assert layer == Layer("mbconv", {"filters": 8, "kernel": 3, "stride": 1, "expansion": 6, "se": False})
    assert resolved({"op": "se"}) == (Layer("se", {"stride": 1}),)


def test_references_become_what_was_chosen() -> None:
    (layer,) = resolved({"op": "$op", "filters": "$n", "kernel": "$k"}, op="conv", n=16, k=5)
    assert layer == Layer("conv", {"filters": 16, "kernel": 5, "stride": 1})


@pytest.mark.parametrize(
    ("times", "depth", "expected"), [(3, 1.0, 3), (0, 1.0, 0), (0, 0.1, 0), (4, 0.5, 2), (1, 0.1, 1), (10, 0.26, 3)]
)
def test_blocks_are_repeated_and_a_lower_depth_keeps_that_share_but_one_at_least(times: int, depth: float, expected: int) -> None:
    assert resolved({"repeat": times, "blocks": [{"op": "relu"}]}, depth) == (RELU,) * expected
    assert resolved({"repeat": "$n", "blocks": [{"op": "relu"}]}, depth, n=times) == (RELU,) * expected


def test_conditional_blocks_are_there_only_if_every_decision_is_active_and_as_said() -> None:
    block = {"when": {"a": [1, 2], "b": [True]}, "blocks": [{"op": "relu"}]}
    assert resolved(block, a=2, b=True) == (RELU,)
    assert resolved(block, a=3, b=True) == resolved(block, a=1, b=False) == resolved(block, b=True) == ()


def test_branches_are_joined_as_chosen_and_may_be_empty() -> None:
    block = {"branches": [[{"op": "relu"}], []], "join": "$join"}
    assert resolved(block, join="concat") == (Joined(((RELU,), ()), "concat"),)
    assert resolved({"branches": [[], []]}) == (Joined(((), ()), "sum"),)


def test_a_residual_of_nothing_is_nothing() -> None:
    block = {"residual": [{"when": {"a": [1]}, "blocks": [{"op": "relu"}]}]}
    assert resolved(block, a=1) == (Joined(((RELU,), ()), "residual"),)
    assert resolved(block, a=2) == ()


def test_only_a_text_with_a_dollar_sign_is_a_reference() -> None:
    assert reference("$kernel_1") == "kernel_1"
    assert [reference(v) for v in ("conv", 3, True, None)] == [None] * 4
