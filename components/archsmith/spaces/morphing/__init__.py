"""Which steps from an architecture to another one keep what the network computes: morphisms, as far as decisions tell.

A strategy asks here, without torch; `archsmith.models.morphisms` carries them out. The two agree: each `Morphism` that is named
here is exact there, at the full depth and width.
"""

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from archsmith.spaces.morphing import blocks, branch, cells, chain, fabric, mobile, nas_bench_201, tree_cell
from archsmith.spaces.morphing.steps import Morphism, Operation
from archsmith.spaces.space import Space
from archsmith.values import Architecture

__all__ = ["Morphism", "Operation", "morphisms", "shrinkings", "unmorphable"]

Steps = Callable[[Any, Architecture], Iterator[Morphism]]
"""From a space and one of its architectures to single steps, always in the same order."""

_FAMILIES: Mapping[str, ModuleType] = {
    "chain": chain,
    "branch": branch,
    "cell": cells,
    "branch-of-cells": cells,
    "hierarchical": cells,
    "mobile": mobile,
    "nas-bench-201": nas_bench_201,
    "fabric": fabric,
    "tree-cell": tree_cell,
    "yaml": blocks,
}
_GROWING: Mapping[str, Steps] = {name: family.grown for name, family in _FAMILIES.items()}
_SHRINKING: Mapping[str, Steps] = {name: family.shrunk for name, family in _FAMILIES.items()}

_NEEDED: Mapping[str, str] = {
    "chain": "several `filters`, `units` or `kernels`, or several numbers of `layers`",
    "branch": "several `filters` or `kernels`, or several numbers of `layers`",
    "cell": "`operations` that differ in their kernel alone, such as sep_conv_3x3 and sep_conv_5x5",
    "branch-of-cells": "`operations` that differ in their kernel alone, such as sep_conv_3x3 and sep_conv_5x5",
    "hierarchical": "`operations` that differ in their kernel alone, such as sep_conv_3x3 and sep_conv_5x5",
    "mobile": "several `kernels`, several `expansions` of 2 or more, or several numbers of blocks in a stage",
    "yaml": "decisions on `filters`, `units`, a `kernel`, or how often a residual block comes",
}
"""What a space must let be chosen, where settings can keep it from having any morphism."""
_PROBES = 64
"""Architectures that are asked whether there is a step from them."""


def unmorphable(space: Space) -> str | None:
    """Return why no step in a space is a morphism, and what to do, a clause; None where some are."""
    if space.name not in _FAMILIES:
        known = ", ".join(_FAMILIES)
        return f"no exact morphism is known between networks of the space {space.name!r}; there are some in: {known}"
    rng = np.random.default_rng(0)
    try:
        if any(next(morphisms(space, space.sample(rng)), None) for _ in range(_PROBES)):
            return None
    except ValueError as error:
        return str(error)
    return f"the space {space.name!r} has none as it is set here; it needs {_NEEDED.get(space.name, 'more choices')}"


def morphisms(space: Space, architecture: Architecture) -> Iterator[Morphism]:
    """Yield each single step from `architecture` that keeps what its network computes."""
    yield from _GROWING[space.name](space, architecture)


def shrinkings(space: Space, architecture: Architecture) -> Iterator[Morphism]:
    """Yield each single step that makes the network smaller, and keeps what it computes approximately (Elsken 2019)."""
    yield from _SHRINKING[space.name](space, architecture)
