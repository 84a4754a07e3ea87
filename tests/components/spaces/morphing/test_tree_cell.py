"""Steps in cells that are trees; that networks carry them out exactly is tried for all spaces together."""

import numpy as np
import pytest

from archsmith.spaces.morphing import morphisms, shrinkings
from archsmith.spaces.trees.tree_cell import TreeCellConfig, TreeCellSpace

OPERATIONS = ("identity", "conv_1x1", "conv_3x3", "max_pool_3x3")


@pytest.fixture(scope="module")
def space() -> TreeCellSpace:
    return TreeCellConfig(depth=2, branches=2, operations=OPERATIONS).build()


@pytest.mark.parametrize(
    ("cell", "steps"),
    [
        (
            "conv_1x1",
            {
                "kernel conv_3x3",
                "split add(conv_1x1,conv_1x1)",
                "split concat(conv_1x1,conv_1x1)",
                "branch add(conv_1x1,conv_1x1)",
                "branch add(conv_1x1,conv_3x3)",
                "branch conv_1x1>add(identity,conv_1x1)",
                "branch conv_1x1>add(identity,conv_3x3)",
            },
        ),
        # Nothing comes of a pooling whose channels are dealt out to poolings, and a sum of two is another one.
        (
            "conv_3x3>max_pool_3x3",
            {
                "branch add(conv_3x3>max_pool_3x3,conv_1x1)",
                "branch add(conv_3x3>max_pool_3x3,conv_3x3)",
                "branch conv_3x3>add(max_pool_3x3,conv_1x1)",
                "branch conv_3x3>add(max_pool_3x3,conv_3x3)",
            },
        ),
        (
            "split-concat(conv_1x1>max_pool_3x3,max_pool_3x3>conv_3x3)",
            {
                "kernel split-concat(conv_3x3>max_pool_3x3,max_pool_3x3>conv_3x3)",
                "branch split-concat(conv_1x1>add(max_pool_3x3,conv_1x1),max_pool_3x3>conv_3x3)",
                "branch split-concat(conv_1x1>add(max_pool_3x3,conv_3x3),max_pool_3x3>conv_3x3)",
                "split split-concat(conv_1x1>max_pool_3x3,max_pool_3x3>add(conv_3x3,conv_3x3))",
                "split split-concat(conv_1x1>max_pool_3x3,max_pool_3x3>concat(conv_3x3,conv_3x3))",
                "branch split-concat(conv_1x1>max_pool_3x3,max_pool_3x3>add(conv_3x3,conv_1x1))",
                "branch split-concat(conv_1x1>max_pool_3x3,max_pool_3x3>add(conv_3x3,conv_3x3))",
            },
        ),
    ],
)
def test_a_cell_grows_by_kernels_by_edges_that_share_what_one_gave_and_by_new_ones(
    space: TreeCellSpace, cell: str, steps: set[str]
) -> None:
    found = [f"{s.operation} {space.to_text(s.architecture)}" for s in morphisms(space, space.from_text(cell))]
    assert set(found) == steps
    assert len(found) == len(steps)


def test_a_cell_shrinks_by_kernels_and_by_the_last_edge_of_a_sum(space: TreeCellSpace) -> None:
    cell = space.from_text("add(conv_3x3>conv_1x1,max_pool_3x3)")
    assert {space.to_text(s.architecture) for s in shrinkings(space, cell)} == {
        "add(conv_1x1>conv_1x1,max_pool_3x3)",
        "conv_3x3>conv_1x1",
    }
    assert not list(shrinkings(space, space.from_text("max_pool_3x3")))


def test_each_step_leads_to_another_network_of_the_space(space: TreeCellSpace) -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        architecture = space.sample(rng)
        for step in (*morphisms(space, architecture), *shrinkings(space, architecture)):
            space.validate(step.architecture)
            assert space.canonical(step.architecture) != space.canonical(architecture)
            assert step.what
