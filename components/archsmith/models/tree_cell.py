"""Networks of cells that are trees: three stages of equal cells, with a residual block between two stages.

Reference: Cai, Yang, Zhang, Han, Yu 2018, Path-Level Network Transformation for Efficient Architecture Search
(arXiv:1806.02639), equation 1; Dong, Yang 2020, NAS-Bench-201 (arXiv:2001.00326), section 2.1, for the stages.

Where a number of channels can't be shared evenly, the first branches have one more; this is how the authors' program does it.
"""

from functools import partial, reduce
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from archsmith.models.blocks import scaled
from archsmith.models.operations import OPERATIONS
from archsmith.models.parts import Parts, Place
from archsmith.models.stages import staged
from archsmith.spaces.trees.tree import Path, Tree, named, shares
from archsmith.spaces.trees.tree_cell import TreeCellSpace
from archsmith.values import Architecture, Fidelity


def build_tree_cell(
    space: TreeCellSpace, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> Parts:
    """Build the parts that follow the normalisation of the input.

    Args:
        space: Its settings give channels and cells.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales the channels, of which so many are left that every branch of the space's fullest tree has
            one; its `depth` scales the cells of each stage, of which at least one is left.

    Returns:
        Parts that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.
    """
    config = space.config
    channels = max(scaled(config.channels, fidelity.width), config.least_channels)
    n_cells = max(1, round(config.cells * fidelity.depth))
    return staged(channels, n_cells, input_shape, n_classes, partial(TreeCell, space.tree(architecture)))


class TreeCell(nn.ModuleDict):
    """A cell; its parts are the edges of the tree, which are named by the path to their end.

    So a node that gets more branches keeps the names of those it has, and of all that is below them.

    Args:
        tree: Nodes, and the operations between them.
        channels: Of input and output.
    """

    def __init__(self, tree: Tree, channels: int) -> None:
        super().__init__()
        self._tree = tree
        self._given: dict[Path, list[tuple[int, int]]] = {}
        self._add(tree, (), channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return self._node(self._tree, (), x)

    def _add(self, tree: Tree, path: Path, channels: int) -> None:
        """Add the edges of a node of so many channels, and of all below it."""
        n = len(tree.branches)
        given = shares(channels, n) if tree.allocation == "split" else [channels] * n
        left = shares(channels, n) if tree.merge == "concat" else [channels] * n
        self._given[path] = list(pairwise(accumulate(given, initial=0)))
        for k, branch in enumerate(tree.branches):
            end = (*path, k + 1)
            self[named("edge", end)] = Place(branch.operation, OPERATIONS[branch.operation](given[k], left[k], 1))
            self._add(branch.tree, end, left[k])

    def _node(self, tree: Tree, path: Path, x: Tensor) -> Tensor:
        """Apply a node and all below it."""
        if not tree.branches:
            return x
        outputs = []
        for k, (branch, (first, last)) in enumerate(zip(tree.branches, self._given[path], strict=True)):
            end, given = (*path, k + 1), x[:, first:last] if tree.allocation == "split" else x
            outputs.append(self._node(branch.tree, end, self[named("edge", end)](given)))
        return torch.cat(outputs, 1) if tree.merge == "concat" else reduce(torch.add, outputs)
