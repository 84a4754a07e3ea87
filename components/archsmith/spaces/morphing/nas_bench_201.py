"""Steps in NAS-Bench-201's space: larger kernels, and convolutions that give zeros at first on edges that had nothing."""

from collections.abc import Iterator

from archsmith.spaces.morphing.kernels import larger_kernels, smaller_kernels
from archsmith.spaces.morphing.steps import Morphism, changed
from archsmith.spaces.nas_bench_201 import EDGES, NasBench201Space, pruned
from archsmith.values import Architecture

CONVOLUTIONS = ("nor_conv_1x1", "nor_conv_3x3")


def grown(space: NasBench201Space, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the exact steps: those that change what is alive in the cell."""
    old = space.assignment(architecture)
    before = pruned(space.cell(architecture))
    if not _is_alive(before):
        return
    added = (
        changed(space, old, f"op_{i}_{j}", convolution, "branch")
        for i, j in EDGES
        for convolution in CONVOLUTIONS
        if old[f"op_{i}_{j}"] == "none"
    )
    for step in (*larger_kernels(space, old), *added):
        if pruned(space.cell(step.architecture)) != before:
            yield step


def shrunk(space: NasBench201Space, architecture: Architecture) -> Iterator[Morphism]:
    """Yield smaller kernels, and an edge less."""
    old = space.assignment(architecture)
    before = pruned(space.cell(architecture))
    fewer = (changed(space, old, f"op_{i}_{j}", "none", "shrink") for i, j in EDGES if old[f"op_{i}_{j}"] != "none")
    for step in (*smaller_kernels(space, old), *fewer):
        after = pruned(space.cell(step.architecture))
        if after != before and _is_alive(after):
            yield step


def _is_alive(cell: tuple[str, ...]) -> bool:
    """Tell whether a pruned cell's output depends on its input."""
    return set(cell) != {"none"}
