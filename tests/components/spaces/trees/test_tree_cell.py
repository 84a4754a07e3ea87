"""The space of cells that are trees."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from archsmith.spaces.trees.tree_cell import TreeCellConfig, TreeCellSpace
from archsmith.testing.spaces import SpaceConformance

FEW = ("identity", "conv_1x1")


def space_of(**settings: Any) -> TreeCellSpace:
    return TreeCellConfig.model_validate(settings).build()


class TestTreeCell(SpaceConformance):
    @pytest.fixture
    def space(self) -> TreeCellSpace:
        return space_of(operations=("identity", "conv_1x1", "max_pool_3x3"))


class TestSmallTreeCell(SpaceConformance):
    @pytest.fixture
    def space(self) -> TreeCellSpace:
        return space_of(depth=2, branches=2, operations=FEW)


class TestTreeCellWithTheTraining(SpaceConformance):
    @pytest.fixture
    def space(self) -> TreeCellSpace:
        return space_of(depth=2, branches=2, operations=FEW, training={"learning_rate": [0.01, 0.1]})


@pytest.mark.parametrize(("depth", "branches", "n"), [(1, 2, 3), (2, 2, 2), (1, 4, 1), (3, 2, 7)])
def test_there_are_as_many_cells_as_the_recursion_says(depth: int, branches: int, n: int) -> None:
    operations = ("identity", "conv_1x1", "conv_3x3", "se", "max_pool_3x3", "avg_pool_3x3", "conv_5x5")[:n]
    below = 1  # a leaf
    for _ in range(depth - 1):
        below = 1 + sum((4 if k > 1 else 1) * (n * below) ** k for k in range(1, branches + 1))
    cells = sum((4 if k > 1 else 1) * (n * below) ** k for k in range(1, branches + 1))
    assert space_of(depth=depth, branches=branches, operations=operations).size() == cells


def test_the_tree_of_an_architecture_and_the_architecture_of_a_tree_are_inverse() -> None:
    space, rng = space_of(training={"learning_rate": [0.01, 0.1]}), np.random.default_rng(0)
    for _ in range(50):
        architecture = space.sample(rng)
        assert space.of_tree(space.tree(architecture), architecture) == architecture


def test_two_cells_of_one_canonical_form_are_not_both_searched() -> None:
    space = space_of(depth=2, branches=2, operations=FEW)
    one, other = (space.from_text(t) for t in ("add(identity>conv_1x1,identity)", "add(identity,conv_1x1)"))
    assert space.canonical(one) == space.canonical(other)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("conv_1x1>conv_1x1>conv_1x1", "is 3 edges deep, but at most 2"),
        ("conv_9x9", "Unknown choice 'conv_9x9'"),
        ("add(identity,identity,identity)", "`branches`: Unknown choice '3'"),
        ("conv_1x1 width=3", "Unknown decision 'width'"),
    ],
)
def test_a_cell_that_is_not_of_the_space_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        space_of(depth=2, branches=2, operations=FEW).from_text(text)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"depth": 4, "branches": 4}, "up to 340 edges, but at most 128"),
        ({"channels": 26}, "must be at least 27"),
        ({"branches": 1}, "greater than or equal to 2"),
        ({"operations": ["none"]}, "none"),
        ({"operations": []}, "the list is empty"),
    ],
)
def test_settings_that_no_network_fits_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        space_of(**settings)


def test_the_graph_shows_where_channels_are_dealt_out_and_branches_are_merged() -> None:
    space = space_of(cells=1)
    graph = space.graph(space.from_text("add(identity,conv_1x1>split-concat(max_pool_3x3,identity))"))
    (inset,) = graph.insets
    labels = {node.id: node.label for node in inset.graph.nodes}
    assert [(labels[e.source], labels[e.target]) for e in inset.graph.edges] == [
        ("input", "identity"),
        ("input", "conv_1x1"),
        ("conv_1x1", "split in 2"),
        ("split in 2", "max_pool_3x3"),
        ("split in 2", "identity"),
        ("max_pool_3x3", "concat"),
        ("identity", "concat"),
        ("identity", "add"),
        ("concat", "add"),
        ("add", "output"),
    ]
