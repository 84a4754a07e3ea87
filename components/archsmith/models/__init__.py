"""Networks from architectures: the only place that knows how a space's decisions become torch modules."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from torch import nn

from archsmith.errors import UnbuildableError, UnknownNameError
from archsmith.models.blocks import Normalize
from archsmith.models.branch import build_branch
from archsmith.models.cell import build_cell
from archsmith.models.chain import build_chain
from archsmith.models.fabric import build_fabric
from archsmith.models.macro import build_macro
from archsmith.models.mobile import build_mobile
from archsmith.models.nas_bench_201 import build_nas_bench_201
from archsmith.models.parts import Parts
from archsmith.models.tree_cell import build_tree_cell
from archsmith.models.yaml_space import build_yaml
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Fidelity

Builder = Callable[[Any, Architecture, tuple[int, int, int], int, Fidelity], Parts]
"""From space, architecture, input shape (C, H, W), number of classes and fidelity to the parts after normalisation."""


@runtime_checkable
class BuildsItself(Protocol):
    """A space that brings its networks along: one of a user's own."""

    def layers(
        self, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
    ) -> Parts | Sequence[nn.Module]:
        """Return the layers that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.

        Where they are a mapping, the names say what is the same place in the networks of different architectures; see
        `archsmith.models.parts`. In a list, that is the position.

        Args:
            architecture: One of this space.
            input_shape: Channels, height and width.
            n_classes: Outputs.
            fidelity: Its `width` and `depth` scale the network down, where that makes sense.

        Raises:
            ValueError: there is no network for this input; `RuntimeError`, which torch raises, means the same.
        """
        ...


BUILDERS: Mapping[str, Builder] = {
    "chain": build_chain,
    "cell": build_cell,
    "branch": build_branch,
    "branch-of-cells": build_macro,
    "hierarchical": build_macro,
    "mobile": build_mobile,
    "nas-bench-201": build_nas_bench_201,
    "fabric": build_fabric,
    "tree-cell": build_tree_cell,
    "yaml": build_yaml,
}
"""The builder of each space, by the space's name."""


def build(
    space: Space,
    architecture: Architecture,
    input_shape: tuple[int, int, int],
    n_classes: int,
    *,
    fidelity: Fidelity,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> nn.Sequential:
    """Build the network of `architecture`: (B, C, H, W) in [0, 1] -> logits, (B, n_classes).

    Its parts are named: `normalize`, and then as `archsmith.models.parts` says.

    Args:
        space: The space that the architecture is of.
        architecture: What to build.
        input_shape: Channels, height and width.
        n_classes: Number of classes.
        fidelity: Scales the network by its `width` and `depth`; the rest does not matter here.
        mean: Mean of each channel in [0, 1], for the normalisation; 0 where it is left out.
        std: Deviation of each channel; 1 where it is left out.

    Raises:
        UnknownNameError: No builder is registered for the space.
        UnbuildableError: The architecture has no network at this input and fidelity.
    """
    if space.name not in BUILDERS and not isinstance(space, BuildsItself):
        raise UnknownNameError("space with networks", space.name, BUILDERS)
    channels = input_shape[0]
    normalize = Normalize(mean or [0.0] * channels, std or [1.0] * channels)
    try:
        if isinstance(space, BuildsItself):
            layers = space.layers(architecture, input_shape, n_classes, fidelity)
            parts: Mapping[str, nn.Module] = _named(layers)
        else:
            parts = BUILDERS[space.name](space, architecture, input_shape, n_classes, fidelity)
    except (RuntimeError, ValueError) as error:
        raise UnbuildableError(f"No network can be built from {architecture.id} for images {input_shape}: {error}") from error
    return nn.Sequential(OrderedDict({"normalize": normalize, **parts}))


def _named(layers: Mapping[str, nn.Module] | nn.ModuleDict | Sequence[nn.Module]) -> Mapping[str, nn.Module]:
    """Return the parts of a space that builds its networks itself; raises `ValueError` for a name that no part can have."""
    if not isinstance(layers, Mapping | nn.ModuleDict):
        return {f"layer_{k}": layer for k, layer in enumerate(layers, start=1)}
    parts = dict(layers.items())
    for name in parts:
        if name == "normalize" or not name or "." in name:
            raise ValueError(
                f"`layers` calls a part {name!r}, but `normalize` is the first part of every network, and a name has no point"
            )
    return parts
