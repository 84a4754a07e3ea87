"""The multi-branch space: layers that read the outputs of any earlier ones.

Reference: Elsken, Metzen, Hutter 2019, Neural Architecture Search: A Survey (arXiv:1808.05377), section 2:
the input of layer i is a function of all earlier outputs. Chains (the output before it), residual networks
(sums) and dense networks (concatenations) are special cases. Zoph, Le 2017, Neural Architecture Search with
Reinforcement Learning (arXiv:1611.01578), section 3.3: one decision a pair of layers says whether the later
reads the earlier, and what no layer reads goes to the classifier.

Deviation from Zoph and Le: a layer always has a main input, one of the `branches` outputs before it, and the
pairs are decided on only where the layer joins inputs at all. So no layer is left without an input, and how
inputs are joined is hardly ever a decision without an effect.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph, Node
from archsmith.spaces.macro.wiring import STEM, Layer, read_wiring
from archsmith.spaces.macro.wiring_decisions import input_decisions, output_decisions, simplified
from archsmith.spaces.macro.wiring_graph import node_id, wiring_graph
from archsmith.spaces.settings import Count, Kernel, Options, Range
from archsmith.spaces.space import SpaceConfig
from archsmith.values import Architecture, Choice

Operation = Literal["conv", "sepconv", "dilconv", "maxpool", "avgpool", "identity", "se"]

CONVOLUTIONS = ("conv", "sepconv", "dilconv")
"""Operations with filters and a kernel; ReLU comes before each and batch normalisation after it."""
STRIDED = (*CONVOLUTIONS, "maxpool", "avgpool")
"""Operations with a kernel or a pooling's window, which may shrink the image."""


class BranchConfig(SpaceConfig):
    """Layers that read any earlier layers' outputs, joined by sum or concatenation.

    ReLU comes before each convolution and batch normalisation after it, so that outputs can be summed. A pooling
    has a window of 3; it, the identity and squeeze-and-excitation keep the channels of the layer's main input.
    """

    layers: Range = Range(min=3, max=6)
    """How many layers, beside the stem: at least 1, at most 20."""
    operations: Options[Operation] = ("conv", "sepconv", "dilconv", "maxpool", "avgpool", "identity", "se")
    """What a layer can be; `dilconv` is a depthwise convolution with holes, `se` squeeze-and-excitation."""
    filters: Options[Count] = (16, 32, 64)
    """Filters of a convolution, at full width."""
    kernels: Options[Kernel] = (3, 5)
    """Height and width of a convolution's kernel in pixels, odd."""
    strides: Options[Literal[1, 2, 4]] = (1, 2)
    """Pixels between neighbouring windows of a convolution or a pooling: 2 halves height and width."""
    joins: Options[Literal["sum", "concat"]] = ("sum", "concat")
    """How several inputs become one: summed, projected to the channels of the main one, or concatenated."""
    branches: Annotated[int, Field(ge=1, le=20)] = 2
    """How many branches may run side by side: a layer's main input is one of so many outputs before it."""
    stem: Count = 16
    """Filters of the first convolution, 3x3, which every network has; at full width."""

    @model_validator(mode="after")
    def _has_layers(self) -> Self:
        if not 1 <= self.layers.min <= self.layers.max <= 20:
            raise ValueError(f"`layers` is from {self.layers.min} to {self.layers.max}, but must lie within 1 to 20")
        return self

    def build(self) -> "BranchSpace":
        """Make the space."""
        return BranchSpace(self)


class BranchSpace(DecisionSpace):
    """The multi-branch space.

    Its decisions: `layers`; for each layer i from 1 `op_i`, then `filters_i`, `kernel_i` and `stride_i` as the
    operation has them, `input_i`, the number of its main input (0 is the stem; there is no such decision where
    there is one choice), `join_i`, and for each output j before the main input `skip_i_j` if layer i joins
    inputs; then `join_output` and `skip_output_j` in the same way for the classifier, which beside these reads
    every layer that no other layer reads.
    """

    def __init__(self, config: BranchConfig) -> None:
        super().__init__("branch", (*_decisions(config), *config.training_decisions()))
        self.stem = config.stem
        self._canonical = lru_cache(maxsize=65_536)(self._simplest)

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the one without joins that join nothing, and without skips to the classifier that it has anyway.

        Networks that are the same but for an identity without skips, or for the order of parallel layers, stay different.
        """
        return self._canonical(architecture)

    def _simplest(self, architecture: Architecture) -> Architecture:
        chosen = self.assignment(architecture)
        return self.architecture(simplified(chosen, read_wiring(chosen)))

    def graph(self, architecture: Architecture) -> Graph:
        """Return the network from the image to the classifier, with a node for each join."""
        pool = Node("global_pool", "global average pool", "global-pool", {"preceded by": "ReLU"})
        return wiring_graph(read_wiring(self.assignment(architecture)), self._stem_node(), _layer_node, pool)

    def _stem_node(self) -> Node:
        details = {"filters": str(self.stem), "followed by": "batch norm"}
        return Node(node_id(STEM), f"stem conv 3x3, {self.stem}", "conv", details)


def _decisions(config: BranchConfig) -> Iterator[Decision]:
    """Yield the decisions in the order in which the image goes through the network."""
    numbers = config.layers.choices
    yield Decision("layers", numbers, ordered=True)
    for i in range(1, config.layers.max + 1):
        there = {"layers": tuple(n for n in numbers if n >= i)}
        yield from _operation(i, config, there)
        yield from input_decisions(i, config.branches, config.joins, there)
    yield from output_decisions(numbers, config.joins)


def _operation(i: int, config: BranchConfig, there: Mapping[str, tuple[Choice, ...]]) -> Iterator[Decision]:
    """Yield the decisions on what layer `i` does; without those that none of the operations has."""
    yield Decision(f"op_{i}", config.operations, there)
    if convolutions := tuple(op for op in config.operations if op in CONVOLUTIONS):
        yield Decision(f"filters_{i}", config.filters, {f"op_{i}": convolutions}, ordered=True)
        yield Decision(f"kernel_{i}", config.kernels, {f"op_{i}": convolutions}, ordered=True)
    if strided := tuple(op for op in config.operations if op in STRIDED):
        yield Decision(f"stride_{i}", config.strides, {f"op_{i}": strided}, ordered=True)


def _layer_node(layer: Layer) -> Node:
    """Return the node of a layer: `2: conv 3x3, 32, /2`."""
    op = "squeeze-excite" if layer.op == "se" else layer.op
    square = f" {layer.kernel}x{layer.kernel}" if layer.op in STRIDED else ""
    filters = f", {layer.filters}" if layer.filters else ""
    shrunk = f", /{layer.stride}" if layer.stride != 1 else ""
    details = {"main input": "stem" if layer.main == STEM else str(layer.main), "stride": str(layer.stride)}
    return Node(node_id(layer.number), f"{layer.number}: {op}{square}{filters}{shrunk}", layer.op, details)
