"""What a mixed network is built for."""

from dataclasses import dataclass

from archsmith.models.blocks import Normalize
from archsmith.values import Fidelity


@dataclass(frozen=True, slots=True)
class Plan:
    """What the builder of a mixed network is told beside the space."""

    normalize: Normalize
    """Goes first."""
    input_shape: tuple[int, int, int]
    """Channels, height and width."""
    n_classes: int
    """Outputs."""
    fidelity: Fidelity
    """Its `width` and `depth` scale the network down."""
    partial: int = 1
    """On edges that keep their channels, one in so many channels goes through the mixture (Xu 2020); 1 for all of them."""
    weighs_edges: bool = False
    """Whether cells have points that weigh the edges to each node, as partial channels need (Xu 2020); by a softmax only."""
