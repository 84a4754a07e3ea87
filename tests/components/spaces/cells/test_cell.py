"""The space of stacked cells."""

import re
from math import comb, prod
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.search import parse
from archsmith.spaces.cells.cell import CellConfig, CellSpace
from archsmith.spaces.graph import Graph
from archsmith.testing.searches import TINY
from archsmith.testing.spaces import SpaceConformance, brute_force

DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
NASNET_A = (
    "Genotype(normal=[('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('sep_conv_5x5', 0), ('sep_conv_3x3', 0), "
    "('avg_pool_3x3', 1), ('skip_connect', 0), ('avg_pool_3x3', 0), ('avg_pool_3x3', 0), ('sep_conv_3x3', 1), "
    "('skip_connect', 1)], normal_concat=[2, 3, 4, 5, 6], reduce=[('sep_conv_5x5', 1), ('sep_conv_7x7', 0), "
    "('max_pool_3x3', 1), ('sep_conv_7x7', 0), ('avg_pool_3x3', 1), ('sep_conv_5x5', 0), ('skip_connect', 3), "
    "('avg_pool_3x3', 2), ('sep_conv_3x3', 2), ('max_pool_3x3', 1)], reduce_concat=[4, 5, 6])"
)


def space(**settings: Any) -> CellSpace:
    return CellConfig.model_validate(settings).build()


TINY_CELLS = {"nodes": 2, "operations": ["skip_connect", "conv_3x3"], "cells": 3}


class TestTinyCells(SpaceConformance):
    @pytest.fixture
    def space(self) -> CellSpace:
        return space(**TINY_CELLS)


class TestTinyFreeCellsWithoutReduction(SpaceConformance):
    @pytest.fixture
    def space(self) -> CellSpace:
        return space(**TINY_CELLS, inputs="free", output="unused", reduce_at=[])


class TestDartsCells(SpaceConformance):
    @pytest.fixture
    def space(self) -> CellSpace:
        return CellConfig().build()


class TestNasnetCells(SpaceConformance):
    @pytest.fixture
    def space(self) -> CellSpace:
        return space(operations="nasnet", nodes=5)


class TestOneCellForBothWithTraining(SpaceConformance):
    @pytest.fixture
    def space(self) -> CellSpace:
        training = {"learning_rate": [0.025, 0.1], "augment": ["none", "flip+crop"]}
        return space(separate_reduction=False, nodes=3, training=training)


def test_the_size_of_darts_space_is_the_papers() -> None:
    # Section 3.1: "prod_{k=1}^4 (k+1)k/2 x 7^2, about 10^9", and 10^18 for both cells.
    a_cell = prod((k + 1) * k // 2 * 7**2 for k in range(1, 5))
    assert space(nodes=4).size() == a_cell**2
    assert 10**18 < a_cell**2 < 1.1 * 10**18
    assert space(nodes=4, separate_reduction=False).size() == space(nodes=4, reduce_at=[]).size() == a_cell


def test_the_size_of_nasnets_space_is_the_closed_form() -> None:
    assert space(nodes=5, operations="nasnet").size() == prod((n * 13) ** 2 for n in range(2, 7)) ** 2


def test_a_tiny_space_has_as_many_architectures_as_brute_force_lists() -> None:
    tiny = space(**TINY_CELLS)
    assert tiny.size() == sum(1 for _ in brute_force(tiny)) == (comb(2, 2) * comb(3, 2) * 2**4) ** 2


@pytest.mark.parametrize(
    ("text", "settings"), [(DARTS_V2, {}), (NASNET_A, {"operations": "nasnet", "nodes": 5})], ids=["DARTS", "NASNet-A"]
)
def test_a_published_genotype_is_read_and_keeps_each_nodes_operations(text: str, settings: dict[str, Any]) -> None:
    cells = space(**settings)
    genotype = cells.genotype(cells.from_text(text))
    for written, cell in zip(text.split("reduce=", 1), (genotype.normal, genotype.reduce), strict=True):
        pairs = [(op, int(state)) for op, state in re.findall(r"\('(\w+)', (\d)\)", written)]
        assert cell is not None
        assert [sorted(cell.node(s)) for s in cell.states] == [sorted(pairs[2 * k : 2 * k + 2]) for k in range(len(pairs) // 2)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nodes": 5}, "has 4 nodes, but must have 5, as `nodes` says"),
        ({"operations": ["sep_conv_3x3", "skip_connect", "dil_conv_3x3"]}, "reduce cell: Unknown operation 'max_pool_3x3'"),
        ({"reduce_at": []}, "The genotype has a reduction cell, but the stack has none; see `reduce_at`"),
        ({"separate_reduction": False}, "has two different cells, .* see `separate_reduction`"),
        ({"output": "unused"}, r"concatenates \[2, 3, 4, 5\], but must be the nodes that no other one takes: \[3, 4, 5\]"),
    ],
)
def test_a_genotype_of_another_space_is_refused_with_the_setting_that_matters(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        space(**settings).from_text(DARTS_V2)


def test_the_canonical_architecture_does_not_depend_on_the_order_of_independent_nodes() -> None:
    cells = space(nodes=2, reduce_at=[])
    a, b = "('max_pool_3x3', 0), ('skip_connect', 1)", "('sep_conv_3x3', 0), ('skip_connect', 1)"
    one, other = (
        cells.from_text(f"Genotype(normal=[{x}, {y}], normal_concat=range(2, 4), reduce=[], reduce_concat=[])")
        for x, y in ((a, b), (b, a))
    )
    assert one != other
    assert cells.canonical(one) == cells.canonical(other)


def test_isomorphic_cells_have_the_same_paths_among_their_features() -> None:
    cells, rng = space(), np.random.default_rng(0)
    n_choices = sum(len(d.choices) for d in cells.decisions)
    for _ in range(50):
        architecture = cells.sample(rng)
        paths, again = (cells.features(a)[n_choices:] for a in (architecture, cells.canonical(architecture)))
        assert paths.shape == (2 * 2 * (7 + 7**2),)
        assert paths.any()
        assert np.array_equal(paths, again)


def test_the_canonical_architecture_is_remembered() -> None:
    cells, rng = space(), np.random.default_rng(0)
    sampled = [cells.sample(rng) for _ in range(200)]
    found = [cells.canonical(architecture) for architecture in sampled]
    assert all(cells.canonical(architecture) is first for architecture, first in zip(sampled, found, strict=True))


@pytest.mark.parametrize(
    ("settings", "stack"),
    [
        ({"cells": 8}, "NNRNNRNN"),
        ({"cells": 6}, "NNRNRN"),
        ({"cells": 3}, "NRR"),
        ({"cells": 1, "reduce_at": []}, "N"),
        ({"cells": 4, "reduce_at": [0, 3]}, "RNNR"),
    ],
)
def test_reduction_cells_are_at_a_third_and_at_two_thirds_unless_said_otherwise(settings: dict[str, Any], stack: str) -> None:
    assert "".join(kind[0].upper() for kind in CellConfig.model_validate(settings).stack) == stack


def test_twenty_cells_are_darts_network() -> None:
    # DARTS' code: `if i in [layers//3, 2*layers//3]` is a reduction.
    assert [k for k, kind in enumerate(CellConfig(cells=20).stack) if kind == "reduction"] == [6, 13]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cells": 2}, "all of the 2 cells are reduction cells, but one must be normal"),
        ({"cells": 4, "reduce_at": [4]}, "`reduce_at` is .4., but must be ascending places in the stack: 0 to 3"),
        ({"reduce_at": [3, 1]}, "must be ascending"),
        ({"reduce_at": [1, 1]}, "must be ascending"),
        ({"reduce_at": [-1]}, "greater than or equal to 0"),
        ({"cells": 20, "reduce_at": [*range(9)]}, "at most 8 items"),
        ({"nodes": 0}, "greater than or equal to 1"),
        ({"operations": "dart"}, "Input should be 'darts' or 'nasnet'"),
        ({"operations": ["sepconv"]}, "Input should be 'skip_connect'"),
        ({"operations": []}, "the list is empty"),
        ({"inputs": "same"}, "Input should be 'distinct' or 'free'"),
        ({"stem_stride": 3}, "Input should be 1, 2 or 4"),
    ],
)
def test_wrong_settings_are_refused_with_the_rule(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CellConfig.model_validate(settings)


def test_a_search_file_names_the_space_and_its_settings() -> None:
    lines = TINY.splitlines()
    start = next(k for k, line in enumerate(lines) if line.strip().startswith("space:"))
    assert lines[start].strip() != "space:", "the space is written in one line"
    lines[start] = "  space: {name: cell, cells: 4, channels: 8, nodes: 2, operations: [skip_connect, conv_3x3], reduce_at: [2]}"
    assert parse("\n".join(lines)).space.size() == (3 * 2**4) ** 2


def labels(graph: Graph) -> list[str]:
    return [node.label for node in graph.nodes]


def test_the_graph_shows_the_stack_with_repeated_cells_as_one_and_the_inside_of_each() -> None:
    cells = space(cells=8, channels=16)
    graph = cells.graph(cells.from_text(DARTS_V2))
    assert labels(graph) == [
        "image", "stem conv 3x3, 48", "normal cell ×2, 16", "reduction cell, 32, /2", "normal cell ×2, 32",
        "reduction cell, 64, /2", "normal cell ×2, 64", "global average pool", "classifier",
    ]  # fmt: skip
    normal, reduction = graph.insets
    assert (normal.title, reduction.title) == ("normal cell", "reduction cell")
    assert labels(normal.graph)[:5] == ["c_{k-2}", "c_{k-1}", "sep_conv_3x3", "sep_conv_3x3", "sum 2"]
    assert labels(normal.graph)[-1] == "concat 2, 3, 4, 5"
    assert labels(reduction.graph).count("max_pool_3x3, /2") == 5
    assert labels(reduction.graph).count("skip_connect") == 3  # on node 2, where nothing is halved any more


def test_an_input_that_no_node_takes_is_not_drawn() -> None:
    cells = space(nodes=1, inputs="free", reduce_at=[])
    architecture = cells.from_text(
        "Genotype(normal=[('skip_connect', 1), ('sep_conv_3x3', 1)], normal_concat=[2], reduce=[], reduce_concat=[])"
    )
    (normal,) = cells.graph(architecture).insets
    assert labels(normal.graph) == ["c_{k-1}", "skip_connect", "sep_conv_3x3", "sum 2", "concat 2"]


def test_cells_that_are_the_same_are_drawn_once() -> None:
    cells = space(separate_reduction=False)
    assert [i.title for i in cells.graph(cells.sample(np.random.default_rng(0))).insets] == ["normal and reduction cell"]
