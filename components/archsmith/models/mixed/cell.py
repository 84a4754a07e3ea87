"""The mixed network of the cell space: a stack of cells with every operation on every edge, which all cells of a kind share.

Reference: Liu, Simonyan, Yang 2019, DARTS (arXiv:1806.09055), section 3.1.1.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor, nn

from archsmith.models.cell import Source, framed, laid_out, preprocess
from archsmith.models.mixed.derivation import Chosen, Slot
from archsmith.models.mixed.network import MixedStack, Mixes, Mixing
from archsmith.models.mixed.plan import Plan
from archsmith.models.mixed.searched_cell import MixedCell, SearchedCell
from archsmith.models.mixed.under_search import unscaled
from archsmith.spaces.cells.cell import CellSpace, Kind
from archsmith.values import Architecture


class MixedCells(MixedStack):
    """The mixed network."""

    space: CellSpace

    def __init__(self, space: CellSpace, plan: Plan) -> None:
        cells = {name: SearchedCell(d, weighs_edges=plan.weighs_edges) for name, d in space.searched.items()}
        normal = cells["normal"]
        kinds: dict[Kind, SearchedCell] = {"normal": normal, "reduction": cells.get("reduce", normal)}

        def stacked(stack: Mapping[int, Kind], c_in: int, channels: int) -> tuple[nn.Module, int]:
            mixed = MixedCellStack(kinds, stack, c_in, channels, k=plan.partial)
            return mixed, mixed.c_out

        parts = framed(space.config, plan.input_shape, plan.n_classes, plan.fidelity, stacked)
        super().__init__(space, [p for cell in cells.values() for p in cell.points()], {"normalize": plan.normalize, **parts})
        self.searched = cells

    def options(self, architecture: Architecture) -> Mapping[str, tuple[str, ...]]:
        """Return the operations of each edge."""
        cells = self.space.cells(architecture)
        return {point: options for name, cell in self.searched.items() for point, options in cell.chosen(cells[name]).items()}

    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Sequence[Slot]:
        """Return a slot a node."""
        return [slot for cell in self.searched.values() for slot in cell.slots(probabilities)]

    def read(self, chosen: Chosen) -> Architecture:
        """Return the architecture of these nodes."""
        return self.space.architecture(chosen)


class MixedCellStack(Mixing):
    """Cells, each on the outputs of the two before it: (B, C, H, W) -> (B, `c_out`, H', W').

    Args:
        cells: The cell of each kind.
        kinds: Which of them comes where, by its place in the whole stack, from 1.
        c_in: Channels of the stem.
        channels: Of a node in the cells before the first reduction.
        k: One in so many channels goes through the operations.
    """

    def __init__(
        self, cells: Mapping[Kind, SearchedCell], kinds: Mapping[int, Kind], c_in: int, channels: int, *, k: int
    ) -> None:
        super().__init__()
        self.c_out = c_in
        for place in laid_out(kinds, [len(cells[kind].states) for kind in kinds.values()], c_in, channels):
            cell = cells[place.kind]
            built = MixedCell(cell, brought(place.sources, place.channels), place.channels, stride=place.stride, k=k)
            self.add_module(place.name, built)
            self.c_out = place.channels * len(cell.states)

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Apply the cells."""
        before = previous = x
        for cell in self.children():
            before, previous = previous, cell(before, previous, mixes)
        return previous


def brought(sources: tuple[Source, Source], channels: int) -> tuple[nn.Module, nn.Module]:
    """Return what brings the two inputs of a cell to its channels and size."""
    first, second = (unscaled(preprocess(source, channels)) for source in sources)
    return first, second
