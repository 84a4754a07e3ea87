"""A space of two levels: what several cells are like inside, which of them stands where, and who reads whom.

Reference: Elsken, Metzen, Hutter 2019, Neural Architecture Search: A Survey (arXiv:1808.05377), section 2, which asks
for the macro architecture to be searched together with the cells; Liu, Simonyan, Vinyals, Fernando, Kavukcuoglu 2018,
Hierarchical Representations for Efficient Architecture Search (arXiv:1711.00436), section 2: motifs of one level are the
operations of the next.

Deviations from Liu et al.: a cell is that of NASNet and DARTS, with two inputs, and the level above is a multi-branch
network, whose layers join what they read by sum or concatenation; there are these two levels; and where the network
halves height and width is searched, while theirs is fixed at that level.

The two inputs of a cell are what its main input reads, and what it reads itself: in a chain the outputs of the two layers
before it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from archsmith.spaces.cells.cell_decisions import CellSettings
from archsmith.spaces.cells.cell_graph import cell_inset
from archsmith.spaces.cells.isomorphism import canonical_cell
from archsmith.spaces.cells.searched_cells import SearchedCells
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph, Node
from archsmith.spaces.macro.wiring import STEM, Layer, Wiring, read_wiring
from archsmith.spaces.macro.wiring_decisions import input_decisions, output_decisions, simplified
from archsmith.spaces.macro.wiring_graph import node_id, wiring_graph
from archsmith.spaces.settings import Count, Options, Range
from archsmith.values import Architecture, Choice

TRANSITION = "downsample"
"""A 1x1 convolution and an average pooling, which halve height and width."""


class HierarchicalConfig(CellSettings):
    """Several cells and the network around them are searched: which cell stands where, and who reads whom.

    A layer is one of the cells, an identity, or a 1x1 convolution with average pooling that halves height and width.
    """

    cells: Annotated[int, Field(ge=1, le=8)] = 2
    """How many cells are searched; a network may use each of them several times, or not at all."""
    layers: Range = Range(min=4, max=8)
    """How many layers, beside the stem: at least 1, at most 20."""
    branches: Annotated[int, Field(ge=1, le=20)] = 2
    """How many branches may run side by side: a layer's main input is one of so many outputs before it."""
    joins: Options[Literal["sum", "concat"]] = ("sum", "concat")
    """How several inputs become one: summed, projected to the channels of the main one, or concatenated."""
    channels: Count = 16
    """Channels of a node at the full size of the image; each halving doubles them."""
    doublings: Annotated[int, Field(ge=0, le=8)] = 2
    """How often the channels are doubled at most, so that a network of many halvings does not become too large."""
    stem_multiplier: Annotated[int, Field(ge=1, le=16)] = 3
    """Channels of the stem, as a multiple of `channels`."""
    stem_stride: Literal[1, 2, 4] = 1
    """How much the stem shrinks height and width: 1 for small images, 4 for those of ImageNet's size."""

    @model_validator(mode="after")
    def _has_layers(self) -> Self:
        if not 1 <= self.layers.min <= self.layers.max <= 20:
            raise ValueError(f"`layers` is from {self.layers.min} to {self.layers.max}, but must lie within 1 to 20")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the cells: `cell1` and so on."""
        return tuple(f"cell{k}" for k in range(1, self.cells + 1))

    def build(self) -> "HierarchicalSpace":
        """Make the space."""
        return HierarchicalSpace(self)


class HierarchicalSpace(SearchedCells):
    """The hierarchical space.

    Its decisions: those of each cell; `layers`; for each layer i from 1 on `op_i`, which is the name of a cell,
    `identity` or `downsample`, and what it reads; and what the classifier reads: see `wiring_decisions`.

    Args:
        config: What is searched.
    """

    def __init__(self, config: HierarchicalConfig) -> None:
        self.config = config
        cells = {name: config.cell(name) for name in config.names}
        super().__init__("hierarchical", cells, (*_network(config), *config.training_decisions()))

    def wiring(self, architecture: Architecture, scale: Callable[[int], int] = int) -> Wiring:
        """Return the layers with what they read, and the channels of each.

        Args:
            architecture: One of this space.
            scale: What the width of a fidelity makes of a number of channels.

        Returns:
            Layers whose `op` is the name of a cell, `identity` or `downsample`. `filters` are the channels of a cell's
            node, or of all that `downsample` gives, which are as many as those of a cell that concatenates all nodes.
        """
        wiring = read_wiring(self.assignment(architecture))
        shrunk, layers = {STEM: 1}, list[Layer]()
        for layer in wiring.layers:
            stride = 2 if layer.op == TRANSITION else 1
            # All that a layer joins is brought to the smallest size among it.
            shrunk[layer.number] = stride * max(shrunk[j] for j in layer.inputs)
            filters = self.filters(shrunk[layer.number], scale)
            of = {"identity": None, TRANSITION: filters * self.config.nodes}
            layers.append(replace(layer, stride=stride, filters=of.get(layer.op, filters)))
        return replace(wiring, layers=tuple(layers))

    def filters(self, shrunk: int, scale: Callable[[int], int] = int) -> int:
        """Return the channels of a node where the sides are so many times smaller than those of the stem's output."""
        return scale(self.config.channels) * min(shrunk, 1 << self.config.doublings)

    def stem(self, architecture: Architecture, scale: Callable[[int], int] = int) -> int:  # noqa: ARG002 -- alike for all
        """Return the filters of the stem, which are the same for every architecture."""
        return scale(self.config.channels) * self.config.stem_multiplier

    def graph(self, architecture: Architecture) -> Graph:
        """Return the network from the image to the classifier, and each cell that is in it beside it."""
        wiring, filters = self.wiring(architecture), str(self.stem(architecture))
        used = {layer.op for layer in wiring.layers}
        cells = {name: cell for name, cell in self.cells(architecture).items() if name in used}
        taken = ("read by its main input", "read by itself")
        insets = tuple(cell_inset(_title(name), cell, stride=1, inputs=taken) for name, cell in cells.items())
        stem = Node(node_id(STEM), f"stem conv 3x3, {filters}", "conv", {"filters": filters})
        pool = Node("global_pool", "global average pool", "global-pool")
        return wiring_graph(wiring, stem, _node, pool, insets=insets)

    def _simplest(self, architecture: Architecture) -> Architecture:
        """Return the architecture whose cells are numbered as they come in the network, each once, the idle ones all alike."""
        chosen = self.assignment(architecture)
        wiring = read_wiring(chosen)
        cells = {name: canonical_cell(cell) for name, cell in self.cells(architecture).items()}
        met = dict.fromkeys(cells[layer.op] for layer in wiring.layers if layer.op in cells)
        numbered = dict(zip(met, self.config.names, strict=False))
        chosen |= {f"op_{layer.number}": numbered[cells[layer.op]] for layer in wiring.layers if layer.op in cells}
        chosen |= self.choices_of({name: cell for cell, name in numbered.items()})
        for name in self.config.names[len(numbered) :]:
            chosen |= {d.name: d.choices[0] for d in self.searched[name].decisions}
        return self.architecture(simplified(chosen, wiring))


def _network(config: HierarchicalConfig) -> Iterator[Decision]:
    """Yield the decisions on the network, in the order in which the image goes through it."""
    numbers = config.layers.choices
    yield Decision("layers", numbers, ordered=True)
    for i in range(1, config.layers.max + 1):
        there: Mapping[str, tuple[Choice, ...]] = {"layers": tuple(n for n in numbers if n >= i)}
        yield Decision(f"op_{i}", (*config.names, "identity", TRANSITION), there)
        yield from input_decisions(i, config.branches, config.joins, there)
    yield from output_decisions(numbers, config.joins)


def _title(name: str) -> str:
    """Return what a cell is called in pictures: `cell 1`."""
    return name.replace("cell", "cell ")


def _node(layer: Layer) -> Node:
    """Return the node of a layer: `3: cell 2, 32`."""
    label = f"{layer.number}: {_title(layer.op)}{f', {layer.filters}' if layer.filters else ''}"
    details = {"main input": "stem" if layer.main == STEM else str(layer.main)}
    if layer.op == TRANSITION:
        return Node(node_id(layer.number), f"{label}, /2", "pool", details)
    if layer.op == "identity":
        return Node(node_id(layer.number), label, "identity", details)
    return Node(node_id(layer.number), label, _KINDS[(int(layer.op.removeprefix("cell")) - 1) % len(_KINDS)], details)


_KINDS = ("normal-cell", "reduction-cell", "dense", "sep")
"""Kinds of nodes, which tell one cell from another by their colours."""
