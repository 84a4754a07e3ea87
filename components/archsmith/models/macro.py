"""Networks of cells that read the outputs of any earlier ones: of the spaces `branch-of-cells` and `hierarchical`.

Cells, unlike other layers, take two tensors: what their main input reads, and what they read themselves.
What no output depends on is not built, such as a join for a cell that does not take it.
"""

from collections.abc import Mapping
from functools import partial
from typing import cast

from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, scaled
from archsmith.models.branch import Shape, joined
from archsmith.models.cell import Cell, staying, stem
from archsmith.models.operations import ReluConvBn
from archsmith.models.parts import Parts
from archsmith.spaces.cells.genotype import CellGenotype
from archsmith.spaces.macro.branch_of_cells import BranchOfCellsSpace
from archsmith.spaces.macro.hierarchical import HierarchicalSpace
from archsmith.spaces.macro.wiring import STEM, Layer, Wiring, keep
from archsmith.spaces.macro.wiring_graph import node_id
from archsmith.values import Architecture, Fidelity

BEFORE, OWN = 0, 1
"""The states of a cell that are what its main input reads, and what it reads itself."""


class Transition(nn.Sequential):
    """ReLU, 1x1 convolution, batch normalisation, then the mean of each 2x2 pixels: between the blocks of a DenseNet."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(*ReluConvBn(c_in, c_out, 1, kernel=1), nn.AvgPool2d(2, 2, ceil_mode=True))


class Macro(nn.ModuleDict):
    """The layers between stem and classifier: (B, C_stem, H, W) -> (B, C, H', W'), with C as `shape` says.

    A layer has the parts `join` and that of its operation, as far as the classifier depends on them.

    Args:
        wiring: Its layers. Those whose `op` is in `cells` are such cells, `identity` is nothing, and others are transitions.
        cells: The cells, by name.
        stem: Channels of the stem.
    """

    def __init__(self, wiring: Wiring, cells: Mapping[str, CellGenotype], stem: int) -> None:
        super().__init__()
        self.wiring = wiring
        self.cells = frozenset(cells)
        reads, runs = needed(wiring, cells)
        given, read = {STEM: Shape(stem, 1)}, {STEM: Shape(stem, 1)}
        for layer in wiring.layers:
            join = joined(layer.inputs, given, layer.join)
            here = read[layer.number] = join.shape
            module, c_out = _module(layer, cells, read[layer.main], here)
            given[layer.number] = Shape(c_out, here.shrunk * layer.stride)
            joins = {"join": join} if layer.number in reads else {}
            self[node_id(layer.number)] = nn.ModuleDict({**joins, **({layer.op: module} if layer.number in runs else {})})
        output = self["output"] = joined(wiring.inputs, given, wiring.join)
        self.shape = output.shape

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers."""
        given, read = {STEM: x}, {STEM: x}
        for layer in self.wiring.layers:
            here = cast("nn.ModuleDict", self[node_id(layer.number)])
            # A cell is given anything, here the stem's output, in place of what it does not take.
            read[layer.number] = here["join"]([given[j] for j in layer.inputs]) if "join" in here else x
            if layer.op in here:
                taken = (read[layer.main], read[layer.number])[0 if layer.op in self.cells else 1 :]
                given[layer.number] = here[layer.op](*taken)
        return self["output"]([given[j] for j in self.wiring.inputs])  # type: ignore[no-any-return]


def needed(wiring: Wiring, cells: Mapping[str, CellGenotype]) -> tuple[set[int], set[int]]:
    """Return the numbers of the layers whose inputs the classifier depends on, and of those whose output it does.

    Args:
        wiring: All layers.
        cells: The cells, by name; a cell need not take both of its inputs.
    """
    reads, runs = set[int](), set(wiring.inputs)
    for layer in reversed(wiring.layers):
        taken = cells[layer.op].used if layer.op in cells else {OWN}
        if layer.number in runs:
            reads |= ({layer.number} if OWN in taken else set()) | ({layer.main} if BEFORE in taken else set())
        if layer.number in reads:
            runs |= set(layer.inputs)
    return reads, runs


def build_macro(
    space: BranchOfCellsSpace | HierarchicalSpace,
    architecture: Architecture,
    input_shape: tuple[int, int, int],
    n_classes: int,
    fidelity: Fidelity,
) -> Parts:
    """Build the parts that follow the normalisation of the input.

    Args:
        space: A space of cells within a multi-branch network, or a hierarchical one.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales the channels; its `depth` is the share of the layers to keep, evenly spaced, but all
            that halve the image; who reads a layer that is left out reads that one's main input instead.

    Returns:
        Stem, network of cells, pooling and classifier, one after the other.
    """
    scale = partial(scaled, multiplier=fidelity.width)
    wiring, c_stem = space.wiring(architecture, scale), space.stem(architecture, scale)
    places = staying([layer.stride > 1 for layer in wiring.layers], fidelity.depth)
    macro = Macro(keep(wiring, [wiring.layers[k].number for k in places]), space.cells(architecture), c_stem)
    first = stem(input_shape[0], c_stem, space.config.stem_stride)
    return {
        "stem": first,
        "layers": macro,
        "global_pool": GlobalPool(),
        "classifier": nn.Linear(macro.shape.channels, n_classes),
    }


def _module(layer: Layer, cells: Mapping[str, CellGenotype], before: Shape, here: Shape) -> tuple[nn.Module, int]:
    """Return the module of a layer that reads `here`, and whose main input reads `before`; and its channels."""
    if layer.op == "identity":
        return nn.Identity(), here.channels
    assert layer.filters is not None
    if layer.op not in cells:
        return Transition(here.channels, layer.filters), layer.filters
    sources = ((before.channels, here.shrunk // before.shrunk), (here.channels, 1))
    cell = Cell(cells[layer.op], sources, layer.filters, stride=layer.stride)
    return cell, cell.c_out
