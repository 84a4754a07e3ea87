"""The space of cells within a multi-branch network."""

from collections import defaultdict
from math import comb, prod
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.search import parse
from archsmith.spaces.graph import Graph
from archsmith.spaces.macro.branch_of_cells import BranchOfCellsConfig, BranchOfCellsSpace
from archsmith.testing.searches import TINY
from archsmith.testing.spaces import SpaceConformance

DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('skip_connect', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('max_pool_3x3', 1), ('skip_connect', 2)], reduce_concat=range(2, 6))"
)
TWO_OPERATIONS = ["skip_connect", "conv_3x3"]


def make(**settings: Any) -> BranchOfCellsSpace:
    return BranchOfCellsConfig.model_validate(settings).build()


class TestTinyCellsWithSearchedConnections(SpaceConformance):
    @pytest.fixture
    def space(self) -> BranchOfCellsSpace:
        return make(nodes=1, operations=TWO_OPERATIONS, blocks=2, cells=2)


class TestDefaultCellsWithSearchedConnections(SpaceConformance):
    @pytest.fixture
    def space(self) -> BranchOfCellsSpace:
        return make()


class TestNasnetCellsInADenseNetwork(SpaceConformance):
    @pytest.fixture
    def space(self) -> BranchOfCellsSpace:
        return make(macro="dense", operations="nasnet")


class TestResidualNetworkOfCellsAndTransitionsWithTraining(SpaceConformance):
    @pytest.fixture
    def space(self) -> BranchOfCellsSpace:
        training = {"learning_rate": [0.025, 0.1], "augment": ["none", "flip+crop"]}
        return make(macro="residual", reduction="transition", nodes=2, inputs="free", training=training)


@pytest.mark.parametrize("joins", [["sum"], ["sum", "concat"]])
@pytest.mark.parametrize(("blocks", "cells"), [(1, 1), (1, 4), (2, 3), (3, 2), (8, 20)])
def test_the_size_is_that_of_the_closed_form(blocks: int, cells: int, joins: list[str]) -> None:
    def ways(before: int) -> int:
        # With `before` outputs of its block before its main input, a layer reads none of them, or any.
        return 1 if before == 0 else 1 + len(joins) if before == 1 else 1 + len(joins) * 2**before

    a_cell = prod(comb(s, 2) * 7**2 for s in range(2, 5))
    a_block = prod(ways(before) for before in range(cells + 1))
    expected = a_cell ** (1 if blocks == 1 else 2) * a_block**blocks
    assert make(nodes=3, blocks=blocks, cells=cells, joins=joins).size() == expected


@pytest.mark.parametrize("macro", ["chain", "residual", "dense"])
def test_in_a_network_wired_by_hand_only_the_cells_are_decided(macro: str) -> None:
    a_cell = prod(comb(s, 2) * 7**2 for s in range(2, 6))
    assert make(macro=macro).size() == a_cell**2
    assert make(macro=macro, reduction="transition").size() == make(macro=macro, blocks=1).size() == a_cell


@pytest.mark.parametrize(
    ("macro", "join", "inputs"),
    [
        ("chain", "none", [(0,), (1,), (2,), (3,), (4,), (5,)]),
        ("residual", "sum", [(0,), (1, 0), (2, 1, 0), (3,), (4, 3), (5, 4, 3)]),
        ("dense", "concat", [(0,), (1, 0), (2, 1, 0), (3,), (4, 3), (5, 4, 3)]),
    ],
)
def test_a_chain_reads_what_is_before_it_the_others_read_all_of_their_block(
    macro: str, join: str, inputs: list[tuple[int, ...]]
) -> None:
    space = make(macro=macro, blocks=2, cells=2)
    wiring = space.wiring(space.sample(np.random.default_rng(0)))
    assert [layer.op for layer in wiring.layers] == ["normal", "normal", "reduce", "normal", "normal"]
    assert [*(layer.inputs for layer in wiring.layers), wiring.inputs] == inputs
    assert {layer.join for layer in wiring.layers} == {join}


def test_channels_double_from_block_to_block() -> None:
    cells, transitions = make(macro="residual", cells=1, channels=8), make(macro="residual", cells=1, reduction="transition")
    assert [x.filters for x in cells.wiring(cells.from_text(DARTS_V2)).layers] == [8, 16, 16, 32, 32]
    normal = DARTS_V2.split(", reduce=")[0] + ")"
    architecture = transitions.from_text(normal)
    assert [x.filters for x in transitions.wiring(architecture).layers] == [16, 32 * 4, 32, 64 * 4, 64]
    assert transitions.stem(architecture) == 16 * 4


def test_a_dense_network_keeps_half_of_its_channels_between_two_blocks() -> None:
    space = make(macro="dense", channels=16, growth=6, blocks=3, cells=3, reduction="transition")
    architecture = space.from_text(DARTS_V2.split(", reduce=")[0] + ")")
    first = (16 + 3 * 6 * 4) // 2
    second = (first + 3 * 6 * 4) // 2
    assert [x.filters for x in space.wiring(architecture).layers] == [6, 6, 6, first, 6, 6, 6, second, 6, 6, 6]
    assert space.stem(architecture) == 16


def test_the_notation_is_that_of_darts_with_the_connections_behind() -> None:
    text = f"{DARTS_V2} join_2=none join_3=sum join_output=none"
    space = make(blocks=2, cells=1)
    assert [d.name for d in space.decisions[-2:]] == ["join_2", "join_output"]
    with pytest.raises(ValueError, match="Unknown decision 'join_3'"):
        space.from_text(text)
    architecture = space.from_text(f"{DARTS_V2} join_2=sum join_output=none")
    assert space.to_text(architecture) == f"{DARTS_V2} join_2=sum join_output=none"
    assert make(macro="dense").to_text(make(macro="dense").from_text(DARTS_V2)) == DARTS_V2


def test_a_genotype_with_a_cell_that_is_not_searched_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has the fields normal, normal_concat, but this one has: normal, .* reduce"):
        make(macro="chain", reduction="transition").from_text(DARTS_V2)


def picture(graph: Graph) -> tuple[object, ...]:
    return tuple((n.id, n.label) for n in graph.nodes), frozenset(graph.edges)


def test_connections_have_the_same_canonical_form_if_and_only_if_they_have_the_same_picture() -> None:
    space = make(nodes=1, operations=["skip_connect"], blocks=2, cells=2)
    canonical, pictures = defaultdict(set), defaultdict(set)
    for architecture in space.enumerate():
        drawn = picture(space.graph(architecture))
        canonical[space.canonical(architecture)].add(drawn)
        pictures[drawn].add(space.canonical(architecture))
    assert all(len(drawn) == 1 for drawn in canonical.values())
    assert all(len(same) == 1 for same in pictures.values())
    assert len(pictures) == (1 * 3 * 7) ** 2 < space.size()


def test_isomorphic_cells_have_one_canonical_form() -> None:
    space = make(nodes=2, macro="chain", reduction="transition")
    a, b = "('max_pool_3x3', 0), ('skip_connect', 1)", "('sep_conv_3x3', 0), ('skip_connect', 1)"
    one, other = (space.from_text(f"Genotype(normal=[{x}, {y}], normal_concat=range(2, 4))") for x, y in ((a, b), (b, a)))
    assert one != other
    assert space.canonical(one) == space.canonical(other)


def test_a_join_of_a_dense_network_is_drawn_on_top_of_the_one_before() -> None:
    space = make(macro="dense", blocks=1, cells=3)
    graph = space.graph(space.from_text(DARTS_V2.split(", reduce=")[0] + ")"))
    assert [n.label for n in graph.nodes] == [
        "image", "stem conv 3x3, 16", "1: normal cell, 8", "concat", "2: normal cell, 8", "concat", "3: normal cell, 8",
        "concat", "global average pool", "classifier",
    ]  # fmt: skip
    joins = {(e.source, e.target) for e in graph.edges if e.target.startswith("join_")}
    assert joins == {
        ("layer_1", "join_layer_2"), ("stem", "join_layer_2"), ("layer_2", "join_layer_3"),
        ("join_layer_2", "join_layer_3"), ("layer_3", "join_global_pool"), ("join_layer_3", "join_global_pool"),
    }  # fmt: skip
    assert [inset.title for inset in graph.insets] == ["normal cell"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"macro": "resnet"}, "Input should be 'multi-branch', 'residual', 'dense' or 'chain'"),
        ({"growth": 12}, "`growth` is given, but has a meaning only with `macro: dense`; here it is 'multi-branch'"),
        ({"macro": "dense", "joins": ["sum"]}, "`joins` is given, but has a meaning only with `macro: multi-branch`"),
        ({"blocks": 0}, "greater than or equal to 1"),
        ({"cells": 21}, "less than or equal to 20"),
        ({"reduction": "pool"}, "Input should be 'cell' or 'transition'"),
        ({"joins": []}, "the list is empty"),
    ],
)
def test_wrong_settings_are_refused_with_the_rule(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BranchOfCellsConfig.model_validate(settings)


def test_a_search_file_names_the_space_and_its_settings() -> None:
    lines = TINY.splitlines()
    start = next(k for k, line in enumerate(lines) if line.strip().startswith("space:"))
    lines[start] = "  space: {name: branch-of-cells, macro: dense, growth: 4, nodes: 2, operations: [skip_connect, conv_3x3]}"
    assert parse("\n".join(lines)).space.size() == (3 * 2**4) ** 2
