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
from archsmith.models.parts import Parts
from archsmith.spaces.macro.branch import BranchSpace
from archsmith.spaces.macro.wiring import STEM, Layer, Wiring, keep, read_wiring
from archsmith.spaces.macro.wiring_graph import node_id
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


class Join(nn.ModuleDict):
    """Make one tensor of several: bring them to the smallest sides by average pooling, then sum or concatenate them.

    In a sum, each that has not the channels of the first is projected to them by a 1x1 convolution.

    Args:
        shapes: What is joined, by the name of where it comes from.
        join: `sum` or `concat`.
    """

    def __init__(self, shapes: Mapping[str, Shape], join: str) -> None:
        super().__init__()
        self.sum = join == "sum"
        shrunk = max(shape.shrunk for shape in shapes.values())
        to = next(iter(shapes.values())).channels
        for source, shape in shapes.items():
            self[source] = fitting(shape, to if self.sum else shape.channels, shrunk)
        self.shape = Shape(to if self.sum else sum(shape.channels for shape in shapes.values()), shrunk)

    def forward(self, xs: Sequence[Tensor]) -> Tensor:
        """Join `xs`, each (B, C_j, H_j, W_j) -> (B, C, H, W)."""
        fitted = [fit(x) for fit, x in zip(self.values(), xs, strict=True)]
        if len(fitted) == 1:
            return fitted[0]  # type: ignore[no-any-return]
        return reduce(torch.add, fitted) if self.sum else torch.cat(fitted, 1)


class JoinedLayer(nn.ModuleDict):
    """A layer: what joins its inputs, and its operation on them."""

    def forward(self, xs: Sequence[Tensor]) -> Tensor:
        """Apply it to `xs`, each (B, C_j, H_j, W_j)."""
        join, operation = self.values()
        return operation(join(xs))  # type: ignore[no-any-return]


class Branches(nn.ModuleDict):
    """The layers between stem and classifier, as a directed acyclic graph."""

    def __init__(self, wiring: Wiring, stem: int, width: float) -> None:
        super().__init__()
        self.wiring = wiring
        shapes = {STEM: Shape(stem, 1)}
        for layer in wiring.layers:
            join = joined(layer.inputs, shapes, layer.join)
            c_out = scaled(layer.filters, width) if layer.filters else shapes[layer.main].channels
            self[node_id(layer.number)] = JoinedLayer({"join": join, layer.op: module_of(layer, join.shape.channels, c_out)})
            shapes[layer.number] = Shape(c_out, join.shape.shrunk * layer.stride)
        output = self["output"] = joined(wiring.inputs, shapes, wiring.join)
        self.shape = output.shape

    def forward(self, x: Tensor) -> Tensor:
        """Take the stem's output, (B, C_stem, H, W), to what the classifier reads, (B, C, H', W')."""
        outputs = {STEM: x}
        for layer in self.wiring.layers:
            outputs[layer.number] = self[node_id(layer.number)]([outputs[j] for j in layer.inputs])
        return self["output"]([outputs[j] for j in self.wiring.inputs])  # type: ignore[no-any-return]


def build_branch(
    space: BranchSpace, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> Parts:
    """Build the parts that follow the normalisation of the input.

    Args:
        space: A multi-branch space.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales filters; its `depth` keeps that share of the layers, evenly spaced (at least
            one), and who reads a layer that is left out reads that one's main input instead.

    Returns:
        Parts that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.
    """
    wiring = read_wiring(space.assignment(architecture))
    wiring = keep(wiring, kept(len(wiring.layers), fidelity.depth))
    stem = scaled(space.stem, fidelity.width)
    branches = Branches(wiring, stem, fidelity.width)
    return {
        "stem": nn.Sequential(nn.Conv2d(input_shape[0], stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem)),
        "layers": branches,
        "relu": nn.ReLU(),
        "global_pool": GlobalPool(),
        "classifier": nn.Linear(branches.shape.channels, n_classes),
    }


LARGEST = 2**20
"""Pixels of a side that no image has."""


def joined(numbers: Sequence[int], shapes: Mapping[int, Shape], join: str) -> Join:
    """Return what joins the outputs of the layers of these numbers."""
    return Join({node_id(j): shapes[j] for j in numbers}, join)


def fitting(shape: Shape, channels: int, shrunk: int) -> nn.Sequential:
    """Return what brings an output to so many channels, and its sides to the smallest ones."""
    return nn.Sequential(*_shrinking(shrunk // shape.shrunk), *projection(shape.channels, channels))


def _shrinking(by: int) -> tuple[nn.Module, ...]:
    """Return a pooling that divides sides and rounds up, as a stride does; none where there is nothing to divide."""
    by = min(by, LARGEST)  # torch takes no larger ones, and a single pixel is left anyway
    return () if by == 1 else (nn.AvgPool2d(by, by, ceil_mode=True),)


def module_of(layer: Layer, c_in: int, c_out: int) -> nn.Module:
    """Return the module of a layer."""
    if layer.op in WINDOWED:
        return WINDOWED[layer.op](c_in, c_out, layer.stride, kernel=layer.kernel)
    return PLAIN[layer.op](c_in, c_out, layer.stride)
