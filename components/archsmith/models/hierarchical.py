"""Networks of the hierarchical space."""

from torch import nn

from archsmith.models.macro import macro_layers, scaling
from archsmith.spaces.hierarchical import HierarchicalSpace
from archsmith.values import Architecture, Fidelity


def build_hierarchical(
    space: HierarchicalSpace, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> list[nn.Module]:
    """Build the layers that follow the normalisation of the input.

    Args:
        space: A hierarchical space.
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
        space.stem(scale),
        stem_stride=space.config.stem_stride,
        input_shape=input_shape,
        n_classes=n_classes,
        depth=fidelity.depth,
    )
