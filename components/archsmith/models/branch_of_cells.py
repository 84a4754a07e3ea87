"""Networks of cells within a multi-branch network."""

from torch import nn

from archsmith.models.macro import macro_layers, scaling
from archsmith.spaces.branch_of_cells import BranchOfCellsSpace
from archsmith.values import Architecture, Fidelity


def build_branch_of_cells(
    space: BranchOfCellsSpace, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> list[nn.Module]:
    """Build the layers that follow the normalisation of the input.

    Args:
        space: A space of cells within a multi-branch network.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales the channels; its `depth` the number of layers, see `macro_layers`.

    Returns:
        Stem, network of cells, pooling and classifier.
    """
    scale = scaling(fidelity)
    return macro_layers(
        space.wiring(architecture, scale),
        space.cells(architecture),
        space.stem(architecture, scale),
        stem_stride=space.config.stem_stride,
        input_shape=input_shape,
        n_classes=n_classes,
        depth=fidelity.depth,
    )
