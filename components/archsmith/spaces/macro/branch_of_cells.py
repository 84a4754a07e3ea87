"""Cells within a multi-branch network: what is searched takes the place of the layers of a network wired by hand.

Reference: Elsken, Metzen, Hutter 2019, Neural Architecture Search: A Survey (arXiv:1808.05377), section 2: layer i reads
the output before it in a chain, the sum of all earlier ones in a residual network, their concatenation in a dense one;
and a cell can stand for the layer in each of these. Cai, Yang, Zhang, Han, Yu 2018, Path-Level Network Transformation for
Efficient Architecture Search (arXiv:1806.02639), put cells into DenseNet: Huang, Liu, van der Maaten, Weinberger 2017
(arXiv:1608.06993).

Deviations: a residual block has no ReLU after its sum, as the cells begin with one; and where a reduction cell gives other
channels than the cells of its block (`output: unused`), each sum that reads it has a 1x1 convolution of its own for it.

The two inputs of a cell are what the network hands to the cell before it and to itself: in a chain the outputs of the
two cells before it, as in NASNet.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from archsmith.spaces.cells.cell_decisions import CellSettings
from archsmith.spaces.cells.cell_graph import cell_inset
from archsmith.spaces.cells.genotype import CellGenotype
from archsmith.spaces.cells.searched_cells import SearchedCells
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph, Inset, Node
from archsmith.spaces.macro.wiring import STEM, Layer, Wiring, read_skips
from archsmith.spaces.macro.wiring_decisions import simplified, skip_decisions
from archsmith.spaces.macro.wiring_graph import node_id, wiring_graph
from archsmith.spaces.settings import Count, Options
from archsmith.values import Architecture, Choice

Kind = Literal["normal", "reduce", "transition"]
"""What stands at a place of the network; all but `normal` halve height and width."""

JOINS: Mapping[str, str] = {"chain": "none", "residual": "sum", "dense": "concat"}
"""How the networks that are wired by hand join all earlier outputs of a block."""

TITLES: Mapping[str, tuple[str, str]] = {
    "normal": ("normal cell", "normal-cell"),
    "reduce": ("reduction cell", "reduction-cell"),
    "transition": ("transition", "pool"),
}
"""What a kind of layer is called in pictures, and the kind of its node."""


class BranchOfCellsConfig(CellSettings):
    """Searched cells as the layers of a residual, dense or chain network, or of one whose connections are searched.

    The network has blocks of cells; between two blocks, height and width are halved.
    """

    macro: Literal["multi-branch", "residual", "dense", "chain"] = "multi-branch"
    """How cells are connected: by search, by sums, by concatenation, or one after the other.

    With `multi-branch`, each cell reads the one before it and any of the earlier outputs of its block."""
    blocks: Annotated[int, Field(ge=1, le=8)] = 3
    """Blocks of cells."""
    cells: Annotated[int, Field(ge=1, le=20)] = 2
    """Normal cells of a block."""
    channels: Count = 16
    """Channels of a node in the first block, doubled from block to block; in a dense network, filters of the stem."""
    growth: Count = 8
    """Channels of a node in a dense network, which are those that each node adds; not to be given for others."""
    reduction: Literal["cell", "transition"] = "cell"
    """What halves height and width: a reduction cell that is searched, or a 1x1 convolution and average pooling."""
    joins: Options[Literal["sum", "concat"]] = ("sum", "concat")
    """How several inputs may become one where connections are searched; not to be given where they are not."""
    stem_stride: Literal[1, 2, 4] = 1
    """How much the stem shrinks height and width: 1 for small images, 4 for those of ImageNet's size."""

    @model_validator(mode="after")
    def _has_no_idle_setting(self) -> Self:
        for name, macro in (("growth", "dense"), ("joins", "multi-branch")):
            if name in self.model_fields_set and self.macro != macro:
                raise ValueError(f"`{name}` is given, but has a meaning only with `macro: {macro}`; here it is {self.macro!r}")
        return self

    @property
    def layers(self) -> tuple[Kind, ...]:
        """What stands at each place, from the image on."""
        normal: Kind = "normal"
        halving: Kind = "reduce" if self.reduction == "cell" else "transition"
        block = (normal,) * self.cells
        return (*((*block, halving) * (self.blocks - 1)), *block)

    def build(self) -> "BranchOfCellsSpace":
        """Make the space."""
        return BranchOfCellsSpace(self)


class BranchOfCellsSpace(SearchedCells):
    """Cells within a multi-branch network.

    Its decisions: those of the normal cell, and of the reduction cell, where it is searched; then, for `multi-branch`
    only, of each layer `join_i`, and `skip_i_j` for each earlier output j of its block but the last, if it joins any;
    and those of the classifier, `join_output` and `skip_output_j`. Layers are numbered from 1 on, reductions included;
    the output before a block's first layer belongs to the block.

    Args:
        config: What is searched, and how it is put together.
    """

    def __init__(self, config: BranchOfCellsConfig) -> None:
        self.config = config
        names = ("normal", "reduce") if "reduce" in config.layers else ("normal",)
        cells = {name: config.cell(name) for name in names}
        super().__init__("branch-of-cells", cells, (*_connections(config), *config.training_decisions()))

    def wiring(self, architecture: Architecture, scale: Callable[[int], int] = int) -> Wiring:
        """Return the layers with what they read, and the channels of each.

        Args:
            architecture: One of this space.
            scale: What the width of a fidelity makes of a number of channels.

        Returns:
            Layers whose `op` is a `Kind`. `filters` are the channels of a node, or of all that a transition gives.
        """
        chosen = self.assignment(architecture)
        filters = _filters(self.config, self.cells(architecture), scale)
        layers, first = list[Layer](), STEM
        for i, kind in enumerate(self.config.layers, start=1):
            skips, join = self._read(chosen, str(i), i - 1, first)
            layers.append(Layer(i, kind, i - 1, skips, join, next(filters), stride=1 if kind == "normal" else 2))
            first = first if kind == "normal" else i
        skips, join = self._read(chosen, "output", len(layers), first)
        return Wiring(tuple(layers), skips, join)

    def stem(self, architecture: Architecture, scale: Callable[[int], int] = int) -> int:
        """Return the filters of the stem: as many as the first block's cells give, so that they can be summed as they are."""
        channels = scale(self.config.channels)
        return channels if self.config.macro == "dense" else channels * len(self.cells(architecture)["normal"].concat)

    def candidates(self) -> dict[str, tuple[int, ...]]:
        """Return what each reader may read beside its main input, the latest first, where that is searched."""
        return {reader: tuple(reversed(range(first, main))) for reader, main, first in _readers(self.config)}

    def graph(self, architecture: Architecture) -> Graph:
        """Return the network from the image to the classifier, and each kind of cell beside it."""
        filters = self.stem(architecture)
        stem = Node(node_id(STEM), f"stem conv 3x3, {filters}", "conv", {"filters": str(filters)})
        pool = Node("global_pool", "global average pool", "global-pool")
        insets = tuple(_inset(kind, cell) for kind, cell in self.cells(architecture).items())
        running = self.config.macro in ("residual", "dense")
        return wiring_graph(self.wiring(architecture), stem, _node, pool, insets=insets, running=running)

    def _read(self, chosen: Mapping[str, Choice], reader: str, main: int, first: int) -> tuple[tuple[int, ...], str]:
        """Return what a reader reads beside its main input, and how it joins the two."""
        if self.config.macro == "multi-branch":
            return read_skips(chosen, reader, main, first), str(chosen.get(f"join_{reader}", "none"))
        join = JOINS[self.config.macro]
        return () if join == "none" else tuple(reversed(range(first, main))), join

    def _simplest(self, architecture: Architecture) -> Architecture:
        chosen = self.assignment(super()._simplest(architecture))
        return self.architecture(simplified(chosen, self.wiring(architecture)))


def _connections(config: BranchOfCellsConfig) -> Iterator[Decision]:
    """Yield the decisions on who reads what, where these are searched."""
    for reader, main, first in _readers(config):
        yield Decision(f"join_{reader}", ("none", *config.joins))
        yield from skip_decisions(reader, "", (main,), config.joins, first=first)


def _readers(config: BranchOfCellsConfig) -> Iterator[tuple[str, int, int]]:
    """Yield each reader that may join anything, its main input, and the first output of its block, where that is searched."""
    first = STEM
    readers = (*enumerate(config.layers, start=1), (len(config.layers) + 1, None))
    for i, kind in readers if config.macro == "multi-branch" else ():
        if i - 1 > first:
            yield str(i) if kind else "output", i - 1, first
        first = first if kind == "normal" else i


def _filters(config: BranchOfCellsConfig, cells: Mapping[str, CellGenotype], scale: Callable[[int], int]) -> Iterator[int]:
    """Yield the filters of each layer."""
    dense = config.macro == "dense"
    nodes = {kind: len(cells[kind].concat) if kind in cells else 1 for kind in ("normal", "reduce", "transition")}
    channels = scale(config.channels)
    growth = scale(config.growth)
    for kind in config.layers:
        if kind == "normal":
            yield growth if dense else channels
            continue
        if dense:
            # As in section 3 of Huang et al., between two blocks half of the channels are left.
            channels = max(1, (channels + config.cells * growth * nodes["normal"]) // (2 * nodes[kind]))
            yield channels
            channels *= nodes[kind]
        else:
            channels *= 2
            yield channels * (nodes["normal"] if kind == "transition" else 1)


def _inset(kind: str, cell: CellGenotype) -> Inset:
    """Return the picture of a cell."""
    title, _ = TITLES[kind]
    return cell_inset(title, cell, stride=1 if kind == "normal" else 2, inputs=("read by the layer before", "read by itself"))


def _node(layer: Layer) -> Node:
    """Return the node of a layer: `3: reduction cell, 32, /2`."""
    title, kind = TITLES[layer.op]
    shrunk = ", /2" if layer.stride > 1 else ""
    label = f"{layer.number}: {title}, {layer.filters}{shrunk}"
    if layer.op == "transition":
        return Node(node_id(layer.number), label, kind, {"channels": str(layer.filters)})
    inputs = "what the layer before it reads, and what it reads itself"
    return Node(node_id(layer.number), label, kind, {"channels of a node": str(layer.filters), "inputs": inputs})
