"""Networks of cells that are trees."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archsmith.evaluation.export import export
from archsmith.models import build
from archsmith.models.cost import FULL, cost_of
from archsmith.models.parts import parts_of
from archsmith.models.tree_cell import TreeCell
from archsmith.spaces.trees.tree import read
from archsmith.spaces.trees.tree_cell import TreeCellConfig, TreeCellSpace
from archsmith.values import Fidelity

OPERATIONS = ("identity", "conv_1x1", "conv_3x3", "sep_conv_3x3", "max_pool_3x3", "avg_pool_3x3")


def space_of(**settings: Any) -> TreeCellSpace:
    given = {"depth": 2, "branches": 2, "channels": 8, "cells": 1, "operations": OPERATIONS, **settings}
    return TreeCellConfig.model_validate(given).build()


def drawn(text: str, channels: int, seed: int = 0) -> TreeCell:
    """Return a cell with parameters and statistics drawn at random."""
    cell, generator = TreeCell(read(text), channels), torch.Generator().manual_seed(seed)
    for name, value in cell.state_dict().items():
        if value.is_floating_point():
            value.normal_(generator=generator)
            if name.endswith("running_var"):
                value.abs_().add_(0.5)
    return cell.eval()


def given(cell: TreeCell, edge: str) -> dict[str, Tensor]:
    """Return the tensors of a convolution: `1.weight` and those of its normalisation, `2.weight` and so on."""
    (operation,) = cell[edge].values()
    assert isinstance(operation, nn.Module)
    return operation.state_dict()


def image(channels: int) -> Tensor:
    return torch.randn(2, channels, 6, 5, generator=torch.Generator().manual_seed(1))


# Per cell of c channels, by what is in it: a convolution has its kernel, and a scale and a shift a channel.
@pytest.mark.parametrize(
    ("text", "of_cell"),
    [
        ("identity", lambda c: 0),
        ("conv_3x3", lambda c: 9 * c * c + 2 * c),
        ("conv_1x1>conv_3x3", lambda c: 10 * c * c + 4 * c),
        ("add(conv_1x1,conv_3x3)", lambda c: 10 * c * c + 4 * c),
        ("concat(conv_1x1,conv_3x3)", lambda c: 10 * c * c // 2 + 2 * c),
        ("split-concat(conv_1x1,conv_3x3)", lambda c: 10 * c * c // 4 + 2 * c),
        ("split-add(conv_1x1,conv_3x3)", lambda c: 10 * c * c // 2 + 4 * c),
        ("concat(identity,max_pool_3x3)", lambda c: c * c + 2 * c),
        ("split-concat(identity,max_pool_3x3)", lambda c: 0),
        ("add(sep_conv_3x3,avg_pool_3x3)", lambda c: 2 * (9 * c + c * c + 2 * c)),
        ("conv_1x1>split-concat(conv_3x3,identity)", lambda c: c * c + 2 * c + 9 * c * c // 4 + c),
    ],
)
def test_a_network_has_the_parameters_of_the_closed_form(text, of_cell):
    space = space_of()
    stem = 9 * 3 * 8 + 2 * 8
    between = sum(9 * c * 2 * c + 9 * 4 * c * c + 2 * 2 * 2 * c + c * 2 * c for c in (8, 16))
    end = 2 * 32 + 32 * 10 + 10
    expected = stem + between + end + sum(of_cell(c) for c in (8, 16, 32))
    assert cost_of(space, space.from_text(text), (3, 8, 8), 10).n_params == expected


@pytest.mark.parametrize(("n", "channels"), [(2, 8), (3, 8)])
def test_a_convolution_is_the_sum_of_its_copies_with_shares_of_the_last_scale(n, channels):
    one, several = drawn("conv_3x3", channels), drawn(f"add({','.join(['conv_3x3'] * n)})", channels, seed=2)
    share = torch.tensor([0.2, 0.5, 0.3] if n == 3 else [0.25, 0.75])
    for k in range(n):
        copy = {name: v * share[k] if name in ("2.weight", "2.bias") else v for name, v in given(one, "edge_1").items()}
        several[f"edge_{k + 1}"]["conv_3x3"].load_state_dict(copy)
    torch.testing.assert_close(several(image(channels)), one(image(channels)))


@pytest.mark.parametrize(("n", "channels"), [(2, 8), (3, 8)])
def test_a_convolution_is_the_concatenation_of_its_filters_also_where_these_are_not_shared_evenly(n, channels):
    one, several = drawn("conv_3x3", channels), drawn(f"concat({','.join(['conv_3x3'] * n)})", channels, seed=2)
    for k, part in enumerate(torch.arange(channels).tensor_split(n)):
        some = {name: v[part] if v.dim() else v for name, v in given(one, "edge_1").items()}
        several[f"edge_{k + 1}"]["conv_3x3"].load_state_dict(some)
    torch.testing.assert_close(several(image(channels)), one(image(channels)))


@pytest.mark.parametrize("operation", ["identity", "max_pool_3x3", "avg_pool_3x3"])
def test_what_takes_each_channel_by_itself_is_the_concatenation_of_its_shares(operation):
    one, several = drawn(operation, 7), drawn(f"split-concat({operation},{operation},{operation})", 7)
    torch.testing.assert_close(several(image(7)), one(image(7)))


def test_a_node_with_more_branches_keeps_the_names_of_those_it_has_and_of_what_is_below():
    space = space_of()
    small, large = (
        set(parts_of(build(space, space.from_text(text), (3, 8, 8), 4, fidelity=FULL)))
        for text in ("conv_3x3>conv_1x1", "add(conv_3x3>conv_1x1,conv_3x3)")
    )
    assert large - small == {f"stage_{k}_cell_1.edge_2.conv_3x3" for k in (1, 2, 3)}
    assert small < large


@pytest.mark.parametrize("shape", [(3, 33, 20), (1, 2, 1)], ids=str)
def test_any_cell_takes_images_of_any_size_and_learns(shape, assert_learns):
    space, rng = space_of(depth=3), np.random.default_rng(0)
    for _ in range(3):
        assert_learns(build(space, space.sample(rng), shape, 4, fidelity=FULL), shape)


def test_a_narrow_network_has_a_channel_for_each_branch_of_the_fullest_tree():
    space = space_of(depth=3, branches=2, channels=16, cells=4)
    half = "conv_1x1>split-concat(conv_1x1,conv_1x1>split-add(conv_1x1,conv_1x1))"
    full = space.from_text(f"split-add({half},{half})")
    network = build(space, full, (3, 8, 8), 4, fidelity=Fidelity(1, width=0.1, depth=0.5))
    parts = parts_of(network)
    assert parts["classifier"].in_features == 4 * 8
    cells = {name.partition(".")[0] for name in parts if "cell" in name}
    assert cells == {f"stage_{stage}_cell_{cell}" for stage in (1, 2, 3) for cell in (1, 2)}


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
def test_a_cell_that_shares_and_merges_in_every_way_is_exported():
    space = space_of(depth=3)
    text = "add(conv_1x1>concat(identity,max_pool_3x3>split-add(conv_1x1,identity)),avg_pool_3x3>split-concat(conv_3x3,identity))"
    network = build(space, space.from_text(text), (1, 9, 8), 10, fidelity=FULL)
    assert max(export(network, torch.rand(3, 1, 9, 8), {}).agreement.values()) < 1e-4
