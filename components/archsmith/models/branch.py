"""Networks of the multi-branch space: layers that read the outputs of any earlier ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, scaled
from archsmith.models.chain import kept
from archsmith.models.operations import (
    DilConv,
    Operation,
    ReluConvBn,
    SepConv,
    avg_pool,
    identity,
    max_pool,
    projection,
    squeeze_excite,
)
from archsmith.spaces.branch import BranchSpace
from archsmith.spaces.wiring import STEM, Layer, Wiring, keep, read_wiring
from archsmith.values import Architecture, Fidelity

WINDOWED: Mapping[str, Callable[..., nn.Module]] = {
    "conv": ReluConvBn,
    "sepconv": SepConv,
    "dilconv": DilConv,
    "maxpool": max_pool,
    "avgpool": avg_pool,
}
"""Operations with a kernel or a pooling's window."""

PLAIN: Mapping[str, Operation] = {"identity": identity, "se": squeeze_excite}
"""Operations without one."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a layer's output before there is an image."""

    channels: int
    """How many."""
    shrunk: int
    """By how much its sides are smaller than the image's: a power of 2."""


class Join(nn.Module):
    """Make one tensor of several: bring them to the smallest sides by average pooling, then sum or concatenate them.

    In a sum, each that has not the channels of the first is projected to them by a 1x1 convolution.
    """

    def __init__(self, shapes: Sequence[Shape], join: str) -> None:
        super().__init__()
        shrunk = max(shape.shrunk for shape in shapes)
        to = shapes[0].channels
        self.sum = join == "sum"
        self.fit = nn.ModuleList(
            nn.Sequential(*_shrinking(shrunk // s.shrunk), *(projection(s.channels, to) if self.sum else ())) for s in shapes
        )
        self.shape = Shape(to if self.sum else sum(s.channels for s in shapes), shrunk)

    def forward(self, xs: Sequence[Tensor]) -> Tensor:
        """Join `xs`, each (B, C_j, H_j, W_j) -> (B, C, H, W)."""
        fitted = [fit(x) for fit, x in zip(self.fit, xs, strict=True)]
        if len(fitted) == 1:
            return fitted[0]  # type: ignore[no-any-return]
        return reduce(torch.add, fitted) if self.sum else torch.cat(fitted, 1)


class Branches(nn.Module):
    """The layers between stem and classifier, as a directed acyclic graph."""

    def __init__(self, wiring: Wiring, stem: int, width: float) -> None:
        super().__init__()
        self.sources = [layer.inputs for layer in wiring.layers]
        self.ends = wiring.inputs
        shapes = {STEM: Shape(stem, 1)}
        self.joins, self.layers = nn.ModuleList(), nn.ModuleList()
        for layer in wiring.layers:
            join = Join([shapes[j] for j in layer.inputs], layer.join)
            c_out = scaled(layer.filters, width) if layer.filters else shapes[layer.main].channels
            self.joins.append(join)
            self.layers.append(_module(layer, join.shape.channels, c_out))
            shapes[layer.number] = Shape(c_out, join.shape.shrunk * layer.stride)
        self.numbers = [layer.number for layer in wiring.layers]
        self.output = Join([shapes[j] for j in self.ends], wiring.join)

    def forward(self, x: Tensor) -> Tensor:
        """Take the stem's output, (B, C_stem, H, W), to what the classifier reads, (B, C, H', W')."""
        outputs = {STEM: x}
        for number, sources, join, layer in zip(self.numbers, self.sources, self.joins, self.layers, strict=True):
            outputs[number] = layer(join([outputs[j] for j in sources]))
        return self.output([outputs[j] for j in self.ends])  # type: ignore[no-any-return]


def build_branch(
    space: BranchSpace, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> list[nn.Module]:
    """Build the layers that follow the normalisation of the input.

    Args:
        space: A multi-branch space.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales filters; its `depth` keeps that share of the layers, evenly spaced (at least
            one), and who reads a layer that is left out reads that one's main input instead.

    Returns:
        Layers that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.
    """
    wiring = read_wiring(space.assignment(architecture))
    wiring = keep(wiring, kept(len(wiring.layers), fidelity.depth))
    stem = scaled(space.stem, fidelity.width)
    branches = Branches(wiring, stem, fidelity.width)
    return [
        nn.Conv2d(input_shape[0], stem, 3, padding=1, bias=False),
        nn.BatchNorm2d(stem),
        branches,
        nn.ReLU(),
        GlobalPool(),
        nn.Linear(branches.output.shape.channels, n_classes),
    ]


def _shrinking(by: int) -> tuple[nn.Module, ...]:
    """Return a pooling that divides sides and rounds up, as a stride does; none where there is nothing to divide."""
    return () if by == 1 else (nn.AvgPool2d(by, by, ceil_mode=True),)


def _module(layer: Layer, c_in: int, c_out: int) -> nn.Module:
    """Return the module of a layer."""
    if layer.op in WINDOWED:
        return WINDOWED[layer.op](c_in, c_out, layer.stride, kernel=layer.kernel)
    return PLAIN[layer.op](c_in, c_out, layer.stride)
