"""The cell space: a normal and a reduction cell that are searched, and stacked by hand into a network.

Reference: Zoph, Vasudevan, Shlens, Le 2018, Learning Transferable Architectures for Scalable Image Recognition
(arXiv:1707.07012), section 3; Liu, Simonyan, Yang 2019, DARTS: Differentiable Architecture Search (arXiv:1806.09055),
section 3. The stack is that of DARTS: reduction cells at a third and at two thirds of it, each with twice the channels of
the cells before it. `cell_decisions` says where the two papers differ in the cell itself, and how to choose.
"""

from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from archsmith.spaces.cells.cell_decisions import CellSettings
from archsmith.spaces.cells.cell_graph import cell_inset
from archsmith.spaces.cells.genotype import Genotype
from archsmith.spaces.cells.searched_cells import SearchedCells
from archsmith.spaces.graph import Edge, Graph, Inset, Node
from archsmith.spaces.settings import Count
from archsmith.values import Architecture, Choice

Kind = Literal["normal", "reduction"]
"""Whether a cell keeps height and width, or halves them."""


class CellConfig(CellSettings):
    """Stacked cells: a normal and a reduction cell are searched (NASNet, DARTS).

    Search with few cells and channels, by the `depth` and `width` of `estimation`, and retrain with all. The defaults are
    DARTS' network for its search; its networks for CIFAR-10 have 20 cells and 36 channels.
    """

    cells: Annotated[int, Field(ge=1, le=100)] = 8
    """Cells of the stack."""
    channels: Count = 16
    """Channels of a node in the first cells; each reduction cell doubles them."""
    reduce_at: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(max_length=8)] | None = None
    """Places of the reduction cells in the stack, from 0, at most 8; left out, they are at a third and at two thirds of it."""
    separate_reduction: bool = True
    """Whether the reduction cell is searched on its own; else it is the normal cell, with strides."""
    stem_multiplier: Annotated[int, Field(ge=1, le=16)] = 3
    """Channels of the stem, as a multiple of `channels`."""
    stem_stride: Literal[1, 2, 4] = 1
    """How much the stem shrinks height and width: 1 for small images, 4 for those of ImageNet's size."""

    @model_validator(mode="after")
    def _can_be_stacked(self) -> Self:
        if any(a >= b for a, b in pairwise(self.reduce_at or ())) or max(self.reduce_at or (0,)) >= self.cells:
            raise ValueError(
                f"`reduce_at` is {list(self.reduce_at or ())}, but must be ascending places in the stack: 0 to {self.cells - 1}"
            )
        if "normal" not in self.stack:
            raise ValueError(
                f"all of the {self.cells} cells are reduction cells, but one must be normal; raise `cells`, or let "
                "`reduce_at` name fewer, as [] does"
            )
        return self

    @property
    def stack(self) -> tuple[Kind, ...]:
        """The kinds of the cells, from the image on."""
        reductions = {self.cells // 3, 2 * self.cells // 3} if self.reduce_at is None else set(self.reduce_at)
        return tuple("reduction" if k in reductions else "normal" for k in range(self.cells))

    def build(self) -> "CellSpace":
        """Make the space."""
        return CellSpace(self)


class CellSpace(SearchedCells):
    """The cell space.

    Its decisions are those of the normal cell, then those of the reduction cell, where it is searched; see
    `CellDecisions`. Its notation is that of DARTS.

    Args:
        config: What is searched, and how it is stacked.
    """

    def __init__(self, config: CellConfig) -> None:
        self.config = config
        self._reduces = "reduction" in config.stack
        self._same = not (self._reduces and config.separate_reduction)
        names = ("normal",) if self._same else ("normal", "reduce")
        super().__init__("cell", {name: config.cell(name) for name in names}, config.training_decisions())

    def genotype(self, architecture: Architecture) -> Genotype:
        """Return the cells that networks are stacked from."""
        cells = self.cells(architecture)
        return Genotype(cells["normal"], cells.get("reduce", cells["normal"]) if self._reduces else None)

    def decided(self, genotype: Genotype) -> dict[str, Choice]:
        """Return the choices that make this genotype, without those on the training.

        Raises:
            ValueError: no choices do.
        """
        normal, reduce = genotype.normal, genotype.reduce
        if (reduce is None) is self._reduces:
            has, wants = ("no", "has some") if reduce is None else ("a", "has none")
            raise ValueError(f"The genotype has {has} reduction cell, but the stack {wants}; see `reduce_at`.")
        if self._same and reduce not in (None, normal):
            raise ValueError(
                "The genotype has two different cells, but here the reduction cell is the normal one; see `separate_reduction`."
            )
        return self.choices_of({"normal": normal} if self._same or reduce is None else {"normal": normal, "reduce": reduce})

    def graph(self, architecture: Architecture) -> Graph:
        """Return the stack from the image to the classifier, and each kind of cell beside it."""
        nodes = tuple(_nodes(self.config))
        edges = tuple(Edge(a.id, b.id) for a, b in pairwise(nodes))
        return Graph(nodes, edges, tuple(_insets(self.genotype(architecture), same=self._same)))

    def _cells_to_text(self, architecture: Architecture) -> str:
        return self.genotype(architecture).to_text()

    def _cells_from_text(self, text: str) -> dict[str, Choice]:
        return self.decided(Genotype.from_text(text))


def _insets(genotype: Genotype, *, same: bool) -> Iterator[Inset]:
    """Yield a picture a cell; one for both where they are the same."""
    if genotype.reduce is None or not same:
        yield cell_inset("normal cell", genotype.normal, stride=1)
    if genotype.reduce is not None:
        yield cell_inset("normal and reduction cell" if same else "reduction cell", genotype.reduce, stride=1 if same else 2)


def _nodes(config: CellConfig) -> Iterator[Node]:
    """Yield the nodes of the stack, successive normal cells as one."""
    channels = config.channels
    stem = channels * config.stem_multiplier
    yield Node("input", "image", "input")
    yield Node("stem", f"stem conv 3x3, {stem}", "conv", {"filters": str(stem), "stride": str(config.stem_stride)})
    place = 0
    for kind, run in groupby(config.stack):
        many = len(list(run))
        for copies in [many] if kind == "normal" else [1] * many:
            channels *= 1 if kind == "normal" else 2
            yield _cell_node(kind, place, copies, channels)
            place += copies
    yield Node("global_pool", "global average pool", "global-pool")
    yield Node("output", "classifier", "output")


def _cell_node(kind: Kind, place: int, copies: int, channels: int) -> Node:
    """Return the node of `copies` cells, the first at `place`: `normal cell ×2, 16`."""
    where = str(place) if copies == 1 else f"{place} to {place + copies - 1}"
    details = {
        "places in the stack": where,
        "channels of a node": str(channels),
        "inputs": "the outputs of the two cells before it",
    }
    times, halved = f" ×{copies}" if copies > 1 else "", ", /2" if kind == "reduction" else ""
    return Node(f"cell_{place}", f"{kind} cell{times}, {channels}{halved}", f"{kind}-cell", details)
