"""Networks that hold the options of every choice side by side, for methods that weigh them: one builder a space."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archsmith.errors import UnbuildableError, UnknownNameError
from archsmith.models.blocks import Normalize
from archsmith.models.mixed.branch import MixedBranch
from archsmith.models.mixed.cell import MixedCells
from archsmith.models.mixed.chain import MixedChain
from archsmith.models.mixed.fabric import MixedFabric
from archsmith.models.mixed.hierarchical import MixedHierarchical
from archsmith.models.mixed.macro import MixedBranchOfCells
from archsmith.models.mixed.mobile import MixedMobile
from archsmith.models.mixed.nas_bench_201 import MixedNasBench201
from archsmith.models.mixed.network import Mixed
from archsmith.models.mixed.plan import Plan
from archsmith.spaces.space import Space
from archsmith.values import Fidelity

MIXED: Mapping[str, Callable[[Any, Plan], Mixed]] = {
    "branch": MixedBranch,
    "branch-of-cells": MixedBranchOfCells,
    "cell": MixedCells,
    "chain": MixedChain,
    "fabric": MixedFabric,
    "hierarchical": MixedHierarchical,
    "mobile": MixedMobile,
    "nas-bench-201": MixedNasBench201,
}
"""The builder of each space's mixed network, by the space's name; other spaces have none."""


def build_mixed(
    space: Space,
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    fidelity: Fidelity,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    partial: int = 1,
    weighs_edges: bool = False,
) -> Mixed:
    """Build the network that holds all options of `space` side by side: (B, C, H, W) in [0, 1] -> logits, (B, n_classes).

    Args:
        space: What is searched; `archsmith.spaces.mixing.unmixable` has found nothing to say against it.
        input_shape: Channels, height and width.
        n_classes: Number of classes.
        fidelity: Scales the network by its `width` and `depth`.
        mean: Mean of each channel in [0, 1], for the normalisation; 0 where it is left out.
        std: Deviation of each channel; 1 where it is left out.
        partial: One in so many channels of the edges of cells goes through the mixture, and the others pass by.
        weighs_edges: Whether cells have points that weigh the edges to each node, beside those of the edges.

    Raises:
        UnknownNameError: The space has no mixed network.
        UnbuildableError: It has none at this input and fidelity.
    """
    if space.name not in MIXED:
        raise UnknownNameError("space with a mixed network", space.name, MIXED)
    channels = input_shape[0]
    normalize = Normalize(mean or [0.0] * channels, std or [1.0] * channels)
    try:
        return MIXED[space.name](space, Plan(normalize, input_shape, n_classes, fidelity, partial, weighs_edges))
    except (RuntimeError, ValueError) as error:
        raise UnbuildableError(f"No mixed network can be built for images {input_shape}: {error}") from error
