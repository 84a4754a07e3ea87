"""Networks of NAS-Bench-201: three stages of equal cells, with a residual block between two stages.

Reference: Dong, Yang 2020 (arXiv:2001.00326), section 2.1 and figure 1.

Deviation: dead edges are left out. The authors' networks keep them, with weights that nothing depends on; and there,
a convolution that the cell's input does not reach adds the shift of its batch normalisation, a constant, to what follows.
"""

from collections.abc import Callable, Mapping
from functools import partial, reduce

import torch
from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, scaled
from archsmith.models.operations import ReluConvBn, avg_pool, identity
from archsmith.models.parts import Parts, Place
from archsmith.spaces.nas_bench_201 import EDGES, STAGES, NasBench201Space, pruned
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
    channels = scaled(space.channels, fidelity.width)
    n_cells = max(1, round(space.cells * fidelity.depth))
    convolution = nn.Conv2d(input_shape[0], channels, 3, padding=1, bias=False)
    parts: dict[str, nn.Module] = {"stem": nn.Sequential(convolution, nn.BatchNorm2d(channels))}
    for stage in range(STAGES):
        if stage:
            parts[f"residual_{stage}"] = ResidualBlock(channels, 2 * channels)
            channels *= 2
        parts |= {f"stage_{stage + 1}_cell_{k + 1}": Cell(operations, channels) for k in range(n_cells)}
    norm = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
    return {**parts, "norm": norm, "global_pool": GlobalPool(), "classifier": nn.Linear(channels, n_classes)}


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


class ResidualBlock(nn.Module):
    """Two convolutions of 3x3, of which the first halves height and width, beside an average pooling with a 1x1 convolution."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(ReluConvBn(c_in, c_out, 2, kernel=3), ReluConvBn(c_out, c_out, 1, kernel=3))
        # With ceil_mode, it halves odd sides as the convolution does.
        pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
        self.shortcut = nn.Sequential(pool, nn.Conv2d(c_in, c_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, ceil(H / 2), ceil(W / 2))."""
        return self.convolutions(x) + self.shortcut(x)  # type: ignore[no-any-return]
