"""The chain-structured space: layers one after the other, each with an operation and its hyperparameters.

Reference: Elsken, Metzen, Hutter 2019, Neural Architecture Search: A Survey (arXiv:1808.05377),
section 2: the number of layers, the operation of each, and hyperparameters that exist only if
their layer does and its operation has them.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spaces.settings import Count, Kernel, Options, Range
from archsmith.spaces.space import SpaceConfig
from archsmith.values import Architecture, Choice

Operation = Literal["conv", "sepconv", "maxpool", "avgpool"]

CONVOLUTIONS = ("conv", "sepconv")
"""Operations with filters and a kernel; batch normalisation and ReLU follow each."""
POOLINGS = ("maxpool", "avgpool")
"""Operations with a pooling window."""


class ChainConfig(SpaceConfig):
    """Layers one after the other: convolutions and poolings, then dense units.

    Batch normalisation and ReLU follow each convolution; global average pooling comes before the
    dense units, so the number of parameters does not depend on the size of the images.
    """

    layers: Range = Range(min=2, max=6)
    """How many convolutions and poolings: at least 1, at most 50."""
    operations: Options[Operation] = ("conv", "sepconv", "maxpool", "avgpool")
    """What a layer can be; `sepconv` is a depthwise-separable convolution."""
    filters: Options[Count] = (16, 32, 64, 96)
    """Filters of a convolution, at full width."""
    kernels: Options[Kernel] = (3, 5)
    """Height and width of a convolution's kernel in pixels, odd."""
    pools: Options[Annotated[int, Field(ge=2, le=16)]] = (2, 3)
    """Height and width of a pooling's window in pixels."""
    strides: Options[Annotated[int, Field(ge=1, le=8)]] = (1, 2)
    """Pixels between neighbouring windows of a layer, a convolution or a pooling: 2 halves height and width."""
    dense_layers: Range = Range(min=0, max=1)
    """How many dense layers, with ReLU, between the global pooling and the classifier: at most 10."""
    units: Options[Count] = (32, 64, 128)
    """Units of a dense layer, at full width."""

    @model_validator(mode="after")
    def _has_layers(self) -> Self:
        if not 1 <= self.layers.min <= self.layers.max <= 50:
            raise ValueError(f"`layers` is from {self.layers.min} to {self.layers.max}, but must lie within 1 to 50")
        if self.dense_layers.max > 10:
            raise ValueError(f"`dense_layers` is up to {self.dense_layers.max}, but must be at most 10")
        return self

    def build(self) -> "ChainSpace":
        """Make the space."""
        return ChainSpace(self)


class ChainSpace(DecisionSpace):
    """The chain-structured space.

    Its decisions: `layers`; for each layer i from 1 `op_i`, then `filters_i` and `kernel_i` if that is
    a convolution, `pool_i` if it is a pooling, and `stride_i`; then `dense`, and `units_j` for each
    dense layer j from 1. Layer i is there if `layers` >= i, and dense layer j if `dense` >= j.
    """

    widens: Literal[True] = True

    def __init__(self, config: ChainConfig) -> None:
        super().__init__("chain", (*_decisions(config), *config.training_decisions()))

    def graph(self, architecture: Architecture) -> Graph:
        """Return the chain from the image to the classifier."""
        nodes = tuple(_nodes(self.assignment(architecture)))
        edges = tuple(Edge(a.id, b.id) for a, b in pairwise(nodes))
        return Graph(nodes, edges)


def _decisions(config: ChainConfig) -> Iterator[Decision]:
    """Yield the decisions in the order in which the image goes through the network."""
    yield Decision("layers", config.layers.choices, ordered=True)
    for i in range(1, config.layers.max + 1):
        yield from _layer(i, config)
    yield Decision("dense", config.dense_layers.choices, ordered=True)
    for j in range(1, config.dense_layers.max + 1):
        yield Decision(f"units_{j}", config.units, {"dense": _at_least(j, config.dense_layers)}, ordered=True)


def _layer(i: int, config: ChainConfig) -> Iterator[Decision]:
    """Yield the decisions of layer `i`; without those that none of the operations has."""
    there = {"layers": _at_least(i, config.layers)}
    yield Decision(f"op_{i}", config.operations, there)
    if convolutions := tuple(op for op in config.operations if op in CONVOLUTIONS):
        yield Decision(f"filters_{i}", config.filters, {f"op_{i}": convolutions}, ordered=True)
        yield Decision(f"kernel_{i}", config.kernels, {f"op_{i}": convolutions}, ordered=True)
    if poolings := tuple(op for op in config.operations if op in POOLINGS):
        yield Decision(f"pool_{i}", config.pools, {f"op_{i}": poolings}, ordered=True)
    yield Decision(f"stride_{i}", config.strides, there, ordered=True)


def _at_least(i: int, numbers: Range) -> tuple[int, ...]:
    """Return the choices under which the `i`-th layer is there."""
    return tuple(n for n in numbers.choices if n >= i)


def _nodes(chosen: Mapping[str, Choice]) -> Iterator[Node]:
    """Yield a node a layer."""
    yield Node("input", "image", "input")
    for i in range(1, int(chosen["layers"]) + 1):
        yield _layer_node(i, chosen)
    yield Node("global_pool", "global average pool", "global-pool")
    for j in range(1, int(chosen["dense"]) + 1):
        units = chosen[f"units_{j}"]
        yield Node(f"dense_{j}", f"dense {units}", "dense", {"units": str(units), "followed by": "ReLU"})
    yield Node("output", "classifier", "output")


def _layer_node(i: int, chosen: Mapping[str, Choice]) -> Node:
    """Return the node of layer `i`: `conv 3x3, 32, /2`."""
    op, stride = str(chosen[f"op_{i}"]), chosen[f"stride_{i}"]
    halved = f", /{stride}" if stride != 1 else ""
    if op in POOLINGS:
        pool = chosen[f"pool_{i}"]
        return Node(f"layer_{i}", f"{op} {pool}x{pool}{halved}", op, {"window": str(pool), "stride": str(stride)})
    kernel, filters = chosen[f"kernel_{i}"], chosen[f"filters_{i}"]
    details = {"kernel": str(kernel), "filters": str(filters), "stride": str(stride), "followed by": "batch norm, ReLU"}
    return Node(f"layer_{i}", f"{op} {kernel}x{kernel}, {filters}{halved}", op, details)
