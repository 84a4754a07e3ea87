"""The mixed network of cells within a multi-branch network: every operation on every edge, and connections that may be."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

import numpy as np
from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, scaled
from archsmith.models.branch import Shape, joined
from archsmith.models.cell import staying, stem
from archsmith.models.macro import Transition
from archsmith.models.mixed.cell import brought
from archsmith.models.mixed.derivation import Chosen, Slot
from archsmith.models.mixed.network import MixedStack, Mixes, Mixing
from archsmith.models.mixed.plan import Plan
from archsmith.models.mixed.searched_cell import MixedCell, SearchedCell
from archsmith.models.mixed.skips import MixedJoin, options, read_join, skip_points, skip_slot
from archsmith.spaces.macro.branch_of_cells import BranchOfCellsSpace
from archsmith.spaces.macro.wiring import STEM, Wiring, keep
from archsmith.spaces.macro.wiring_graph import node_id
from archsmith.values import Architecture, Choice

OUTPUT = "output"


class MixedBranchOfCells(MixedStack):
    """The mixed network: the points of its cells, and where connections are searched, one for each that may be."""

    space: BranchOfCellsSpace

    def __init__(self, space: BranchOfCellsSpace, plan: Plan) -> None:
        searched = {name: SearchedCell(d, weighs_edges=plan.weighs_edges) for name, d in space.searched.items()}
        candidates = space.candidates()
        scale = partial(scaled, multiplier=plan.fidelity.width)
        # Any architecture will do: they differ in skips only, and these change no shape.
        wiring, c_stem = space.wiring(space.at(0), scale), space.stem(space.at(0), scale)
        places = staying([layer.stride > 1 for layer in wiring.layers], plan.fidelity.depth)
        kept = keep(wiring, [wiring.layers[k].number for k in places])
        macro = MixedMacro(kept, searched, candidates, c_stem, k=plan.partial)
        parts = {
            "normalize": plan.normalize,
            "stem": stem(plan.input_shape[0], c_stem, space.config.stem_stride),
            "layers": macro,
            "global_pool": GlobalPool(),
            "classifier": nn.Linear(macro.shape.channels, plan.n_classes),
        }
        super().__init__(space, [*(p for cell in searched.values() for p in cell.points()), *skip_points(candidates)], parts)
        self.searched, self.candidates = searched, candidates

    def options(self, architecture: Architecture) -> Mapping[str, tuple[str, ...]]:
        """Return the operations of each edge of the cells, and which connections are there."""
        cells, wiring = self.space.cells(architecture), self.space.wiring(architecture)
        skips = {str(layer.number): layer.skips for layer in wiring.layers} | {OUTPUT: wiring.skips}
        of = [cell.chosen(cells[name]) for name, cell in self.searched.items()]
        of += [options(reader, outputs, skips[reader]) for reader, outputs in self.candidates.items()]
        return {point: names for found in of for point, names in found.items()}

    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Sequence[Slot]:
        """Return a slot a node of each cell, and one a connection."""
        cells = [slot for cell in self.searched.values() for slot in cell.slots(probabilities)]
        return [*cells, *(skip_slot(point.name, probabilities) for point in skip_points(self.candidates))]

    def read(self, chosen: Chosen) -> Architecture:
        """Return the architecture of these cells and connections."""
        connections = {point.name for point in skip_points(self.candidates)}
        found: dict[str, Choice] = {name: choice for name, choice in chosen.items() if name not in connections}
        for reader, outputs in self.candidates.items():
            found |= read_join(reader, outputs, chosen)
        return self.space.architecture(found)


class MixedMacro(nn.ModuleDict, Mixing):
    """The layers between stem and classifier: (B, C_stem, H, W) -> (B, C, H', W'), with C as `shape` says.

    Args:
        wiring: Its layers. Those whose `op` is in `cells` are such cells, and others are transitions.
        cells: The cells, by name.
        candidates: What readers may read beside their main input, by number of the layer, or `output`; others read what
            `wiring` says.
        stem: Channels of the stem.
        k: One in so many channels goes through the operations of a cell.
    """

    def __init__(
        self,
        wiring: Wiring,
        cells: Mapping[str, SearchedCell],
        candidates: Mapping[str, Sequence[int]],
        stem: int,
        *,
        k: int,
    ) -> None:
        super().__init__()
        self.wiring = wiring
        self.inputs = {str(layer.number): layer.inputs for layer in wiring.layers} | {OUTPUT: wiring.inputs}
        self.inputs |= {reader: (self.inputs[reader][0], *outputs) for reader, outputs in candidates.items()}
        given, read = {STEM: Shape(stem, 1)}, {STEM: Shape(stem, 1)}

        def join(reader: str, how: str) -> tuple[nn.Module, Shape]:
            main, *others = self.inputs[reader]
            if reader in candidates:
                return MixedJoin(reader, given[main], {j: given[j] for j in others}), given[main]
            built = joined((main, *others), given, how)
            return built, built.shape

        for layer in wiring.layers:
            assert layer.filters is not None
            before = read[layer.main]
            built, here = join(str(layer.number), layer.join)
            read[layer.number] = here
            module, c_out = _layer(layer.op, cells, (before, here), layer.filters, k)
            self[node_id(layer.number)] = nn.ModuleDict({"join": built, layer.op: module})
            given[layer.number] = Shape(c_out, here.shrunk * layer.stride)
        self[OUTPUT], self.shape = join(OUTPUT, wiring.join)

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Apply the layers."""
        given, read = {STEM: x}, {STEM: x}
        for layer in self.wiring.layers:
            here = cast("nn.ModuleDict", self[node_id(layer.number)])
            read[layer.number] = self._joined(here["join"], str(layer.number), given, mixes)
            module = here[layer.op]
            mixed = isinstance(module, MixedCell)
            given[layer.number] = module(read[layer.main], read[layer.number], mixes) if mixed else module(read[layer.number])
        return self._joined(self[OUTPUT], OUTPUT, given, mixes)

    def _joined(self, join: nn.Module, reader: str, given: Mapping[int, Tensor], mixes: Mixes) -> Tensor:
        """Return what a reader reads."""
        xs = [given[j] for j in self.inputs[reader]]
        y: Tensor = join(xs, mixes) if isinstance(join, Mixing) else join(xs)
        return y


def _layer(
    op: str, cells: Mapping[str, SearchedCell], shapes: tuple[Shape, Shape], filters: int, k: int
) -> tuple[nn.Module, int]:
    """Return the module of a layer, whose main input reads the first shape and it itself the second; and its channels."""
    before, here = shapes
    if op not in cells:
        return Transition(here.channels, filters), filters
    stride = 2 if op == "reduce" else 1
    sources = ((before.channels, here.shrunk // before.shrunk), (here.channels, 1))
    cell = MixedCell(cells[op], brought(sources, filters), filters, stride=stride, k=k)
    return cell, filters * len(cells[op].states)
