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
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spaces.settings import Count, Kernel, Options, Range
from archsmith.spaces.space import SpaceConfig
from archsmith.spaces.wiring import STEM, Layer, read_wiring
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
        wiring = read_wiring(chosen)
        unjoined = [str(layer.number) for layer in wiring.layers if not layer.skips]
        ends = wiring.loose_ends
        chosen |= {name: False for name in (f"skip_output_{j}" for j in ends) if name in chosen}
        # The loose ends alone are concatenated without a decision.
        if set(wiring.skips) <= set(ends) and (len(ends) == 1 or wiring.join == "concat"):
            unjoined.append("output")
        for reader in unjoined:
            chosen = _without_join(chosen, reader)
        return self.architecture(chosen)

    def graph(self, architecture: Architecture) -> Graph:
        """Return the network from the image to the classifier, with a node for each join."""
        wiring = read_wiring(self.assignment(architecture))
        nodes, edges = [Node("input", "image", "input"), self._stem_node()], [Edge("input", _id(STEM))]
        for layer in wiring.layers:
            _read(layer.inputs, layer.join, _layer_node(layer), nodes, edges)
        pool = Node("global_pool", "global average pool", "global-pool", {"preceded by": "ReLU"})
        _read(wiring.inputs, wiring.join, pool, nodes, edges)
        nodes.append(Node("output", "classifier", "output"))
        return Graph(tuple(nodes), (*edges, Edge("global_pool", "output")))

    def _stem_node(self) -> Node:
        return Node(_id(STEM), f"stem conv 3x3, {self.stem}", "conv", {"filters": str(self.stem), "followed by": "batch norm"})


def _decisions(config: BranchConfig) -> Iterator[Decision]:
    """Yield the decisions in the order in which the image goes through the network."""
    numbers = config.layers.choices
    yield Decision("layers", numbers)
    for i in range(1, config.layers.max + 1):
        there = {"layers": tuple(n for n in numbers if n >= i)}
        yield from _operation(i, config, there)
        yield from _inputs(i, config, there)
    yield Decision("join_output", ("none", *config.joins))
    yield from _skips("output", "layers", numbers, config)


def _operation(i: int, config: BranchConfig, there: Mapping[str, tuple[Choice, ...]]) -> Iterator[Decision]:
    """Yield the decisions on what layer `i` does; without those that none of the operations has."""
    yield Decision(f"op_{i}", config.operations, there)
    if convolutions := tuple(op for op in config.operations if op in CONVOLUTIONS):
        yield Decision(f"filters_{i}", config.filters, {f"op_{i}": convolutions})
        yield Decision(f"kernel_{i}", config.kernels, {f"op_{i}": convolutions})
    if strided := tuple(op for op in config.operations if op in STRIDED):
        yield Decision(f"stride_{i}", config.strides, {f"op_{i}": strided})


def _inputs(i: int, config: BranchConfig, there: Mapping[str, tuple[Choice, ...]]) -> Iterator[Decision]:
    """Yield the decisions on what layer `i` reads."""
    mains = tuple(range(i - 1, max(i - 1 - config.branches, -1), -1))
    if len(mains) > 1:
        yield Decision(f"input_{i}", mains, there)
    # A layer whose main input is the stem has nothing before it to join.
    if i > 1:
        joining = {f"input_{i}": tuple(j for j in mains if j > STEM)} if len(mains) > 1 else there
        yield Decision(f"join_{i}", ("none", *config.joins), joining)
        yield from _skips(str(i), f"input_{i}", mains, config)


def _skips(reader: str, main: str, mains: tuple[int, ...], config: BranchConfig) -> Iterator[Decision]:
    """Yield a decision an output that a reader may join to its main input.

    Args:
        reader: The number of a layer, or `output` for the classifier.
        main: The decision that says which is the main input; there is none if that is always the same.
        mains: What the main input can be.
        config: The settings.
    """
    for j in range(max(mains)):
        # With the stem alone before the main input, the decision to join is the decision to read it.
        after = tuple(m for m in mains if m > max(j, 1))
        if after:
            varies = {main: after} if len(mains) > 1 else {}
            yield Decision(f"skip_{reader}_{j}", (False, True), {f"join_{reader}": config.joins, **varies})


def _without_join(chosen: Mapping[str, Choice], reader: str) -> dict[str, Choice]:
    """Return the choices with nothing to join for the reader."""
    left = {name: choice for name, choice in chosen.items() if not name.startswith(f"skip_{reader}_")}
    return left | ({f"join_{reader}": "none"} if f"join_{reader}" in left else {})


def _id(number: int) -> str:
    """Return the id of a layer's node, or of the stem's."""
    return "stem" if number == STEM else f"layer_{number}"


def _read(inputs: tuple[int, ...], join: str, node: Node, nodes: list[Node], edges: list[Edge]) -> None:
    """Add a node and the edges that lead to it, over a node that joins them where there are several."""
    target = node.id
    if len(inputs) > 1:
        target = f"join_{node.id}"
        of = ", ".join("stem" if j == STEM else str(j) for j in inputs)
        nodes.append(Node(target, join, "add" if join == "sum" else join, {"of": of}))
        edges.append(Edge(target, node.id))
    nodes.append(node)
    edges.extend(Edge(_id(j), target) for j in inputs)


def _layer_node(layer: Layer) -> Node:
    """Return the node of a layer: `2: conv 3x3, 32, /2`."""
    op = "squeeze-excite" if layer.op == "se" else layer.op
    square = f" {layer.kernel}x{layer.kernel}" if layer.op in STRIDED else ""
    filters = f", {layer.filters}" if layer.filters else ""
    shrunk = f", /{layer.stride}" if layer.stride != 1 else ""
    details = {"main input": "stem" if layer.main == STEM else str(layer.main), "stride": str(layer.stride)}
    return Node(_id(layer.number), f"{layer.number}: {op}{square}{filters}{shrunk}", layer.op, details)
