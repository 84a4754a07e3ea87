"""Networks of NAS-Bench-201: three stages of equal cells, with a residual block between two stages.

Reference: Dong, Yang 2020 (arXiv:2001.00326), section 2.1 and figure 1.

Deviation: dead edges are left out. The authors' networks keep them, with weights that nothing depends on; and there,
a convolution that the cell's input does not reach adds the shift of its batch normalisation, a constant, to what follows.
"""

from collections.abc import Callable, Mapping
from functools import partial, reduce

import torch
from torch import Tensor, nn

from archsmith.models.blocks import scaled
from archsmith.models.operations import ReluConvBn, avg_pool, identity
from archsmith.models.parts import Parts, Place
from archsmith.models.stages import staged
from archsmith.spaces.nas_bench_201 import EDGES, NasBench201Space, pruned
from archsmith.values import Architecture, Fidelity

OPERATIONS: Mapping[str, Callable[[int, int, int], nn.Module]] = {
    "skip_connect": identity,
    "nor_conv_1x1": partial(ReluConvBn, kernel=1),
    "nor_conv_3x3": partial(ReluConvBn, kernel=3),
    "avg_pool_3x3": partial(avg_pool, kernel=3),
}
"""From channels in, channels out and stride to the layer of an edge."""


def build_nas_bench_201(
    space: NasBench201Space, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> Parts:
    """Build the parts that follow the normalisation of the input.

    Args:
        space: Its settings give channels and cells.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales the channels, its `depth` the cells of each stage, of which at least one is left.

    Returns:
        Parts that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.
    """
    operations = pruned(space.cell(architecture))
    return framed(space, input_shape, n_classes, fidelity, partial(Cell, operations))


def framed(
    space: NasBench201Space,
    input_shape: tuple[int, int, int],
    n_classes: int,
    fidelity: Fidelity,
    cell: Callable[[int], nn.Module],
) -> Parts:
    """Return the stages with what stands before, between and after them; `cell` makes a cell of so many channels."""
    channels, n_cells = scaled(space.channels, fidelity.width), max(1, round(space.cells * fidelity.depth))
    return staged(channels, n_cells, input_shape, n_classes, cell)


class Cell(nn.ModuleDict):
    """A cell: each node is the sum of what the edges to it give; the live edges are its parts.

    Args:
        operations: One for each of `EDGES`, dead edges pruned.
        channels: Of input, output and all nodes.
    """

    def __init__(self, operations: tuple[str, ...], channels: int) -> None:
        super().__init__()
        for (i, j), operation in zip(EDGES, operations, strict=True):
            if operation != "none":
                self[f"edge_{i}_{j}"] = Place(operation, OPERATIONS[operation](channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        nodes = [x]
        for j in (1, 2, 3):
            terms = [self[f"edge_{i}_{j}"](nodes[i]) for i in range(j) if f"edge_{i}_{j}" in self]
            # An output that nothing reaches is zero, and still has a gradient for what lies before the cell.
            nodes.append(reduce(torch.add, terms) if terms else x.mul(0.0))
        return nodes[-1]
