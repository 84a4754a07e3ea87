"""Steps in cells: operations with larger kernels. What a node reads, and other operations, change what it computes.

Where the connections between cells are searched too, a cell may read more: a convolution is the first that it does.
"""

from collections.abc import Iterator

from archsmith.spaces.cells.searched_cells import SearchedCells
from archsmith.spaces.macro.branch_of_cells import BranchOfCellsSpace
from archsmith.spaces.macro.hierarchical import HierarchicalSpace
from archsmith.spaces.macro.wiring import STEM
from archsmith.spaces.morphing.kernels import larger_kernels, smaller_kernels
from archsmith.spaces.morphing.steps import Morphism
from archsmith.spaces.morphing.wiring import Shaped, joined_channels, keeps, more_inputs
from archsmith.values import Architecture


def grown(space: SearchedCells, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the exact steps; not those within cells that no layer is one of, which change no network."""
    canonical = space.canonical(architecture)
    for step in (*larger_kernels(space, space.assignment(architecture)), *_wired(space, architecture)):
        if space.canonical(step.architecture) != canonical:
            yield step


def shrunk(space: SearchedCells, architecture: Architecture) -> Iterator[Morphism]:
    """Yield operations with smaller kernels."""
    canonical = space.canonical(architecture)
    for step in smaller_kernels(space, space.assignment(architecture)):
        if space.canonical(step.architecture) != canonical:
            yield step


def _wired(space: SearchedCells, architecture: Architecture) -> Iterator[Morphism]:
    """Yield more inputs."""
    if not isinstance(space, BranchOfCellsSpace | HierarchicalSpace):
        return
    before = shaped(space, architecture)
    readers = [*(str(layer.number) for layer in before.wiring.layers), "output"]
    for what, found in more_inputs(space, space.assignment(architecture), readers):
        if keeps(before, shaped(space, found)):
            yield Morphism("branch", found, what)


def shaped(space: BranchOfCellsSpace | HierarchicalSpace, architecture: Architecture) -> Shaped:
    """Return a network's wiring with the shapes of its tensors."""
    wiring, cells = space.wiring(architecture), space.cells(architecture)
    joined, channels, shrunk = dict[int, int](), {STEM: space.stem(architecture)}, {STEM: 1}
    for layer in wiring.layers:
        joined[layer.number] = here = joined_channels(layer, channels)
        nodes = len(cells[layer.op].concat) if layer.op in cells else 1
        channels[layer.number] = here if layer.filters is None else layer.filters * nodes
        shrunk[layer.number] = layer.stride * max(shrunk[j] for j in layer.inputs)
    return Shaped(wiring, joined, channels, shrunk)
