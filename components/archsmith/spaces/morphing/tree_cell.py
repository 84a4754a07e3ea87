"""Steps in cells that are trees: an edge that is split, a convolution more in a sum, and larger kernels.

A node's only edge, if it leads to a leaf, is replicated: copies that are added get shares, and those that are concatenated
a part of the filters each. What takes each channel by itself is given a part of these instead: poolings and identities have no
weights that shares could be put into.

Reference: Cai, Yang, Zhang, Han, Yu 2018, Path-Level Network Transformation for Efficient Architecture Search
(arXiv:1806.02639), section 3.2.
"""

from collections.abc import Iterator
from itertools import chain

from archsmith.spaces.decisions import Decision
from archsmith.spaces.morphing.kernels import larger_kernels, smaller_kernels
from archsmith.spaces.morphing.steps import Chosen, Morphism, choices_of, completed
from archsmith.spaces.trees.tree import IDENTITY, Path, Tree, named
from archsmith.spaces.trees.tree_cell import TreeCellSpace
from archsmith.values import Architecture, Choice


def grown(space: TreeCellSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the exact steps; not those to channels that are dealt out to no purpose, which change no network."""
    old, canonical = space.assignment(architecture), space.canonical(architecture)
    nodes = space.tree(architecture).nodes()
    edges = (chain(_split(space, old, path, node), _added(space, old, path, node)) for path, node in nodes)
    for step in chain(larger_kernels(space, old), *edges):
        if space.canonical(step.architecture) != canonical:
            yield step


def shrunk(space: TreeCellSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield smaller kernels, and sums without their last branch."""
    old = space.assignment(architecture)
    yield from smaller_kernels(space, old)
    for path, node in space.tree(architecture).nodes():
        name, n = named("branches", path), len(node.branches)
        if n > 1 and node.kind == "add":
            yield Morphism("shrink", _with(space, old, {name: n - 1}), f"{name} {n} → {n - 1}")


def _split(space: TreeCellSpace, old: Chosen, path: Path, node: Tree) -> Iterator[Morphism]:
    """Yield the ways to split a node's only edge, if a leaf is at its end."""
    name, op = named("branches", path), node.branches[0].operation if node.branches else ""
    if len(node.branches) != 1 or node.branches[0].tree.branches or op == "se":
        return
    for n in (int(n) for n in choices_of(space, name) if int(n) > 1):
        copies: dict[str, Choice] = {named("op", (*path, k)): op for k in range(1, n + 1)}
        for allocation, merge in _kinds(op):
            how: dict[str, Choice] = {name: n, named("allocation", path): allocation, named("merge", path): merge}
            said = f"{named('op', (*path, 1))} {op} → {n} times, {'split, ' if allocation == 'split' else ''}{merge}"
            yield Morphism("split", _with(space, old, {**how, **copies}), said)


def _kinds(op: str) -> Iterator[tuple[str, str]]:
    """Yield how copies of an operation may be given what they read, and merged."""
    if op == IDENTITY or "_pool_" in op:
        yield "split", "concat"
        return
    yield "replicate", "add"
    if not _is_flat(op):  # the second of its convolutions reads all that the first gives
        yield "replicate", "concat"


def _added(space: TreeCellSpace, old: Chosen, path: Path, node: Tree) -> Iterator[Morphism]:
    """Yield each convolution more in a sum, or beside what stands alone: in place of a leaf, beside an identity."""
    name, n = named("branches", path), len(node.branches)
    if node.kind != "add" or max(n, 1) + 1 not in choices_of(space, name):
        return
    after, first = max(n, 1) + 1, named("op", (*path, 1))
    if not n and IDENTITY not in choices_of(space, first):
        return
    end, beside = named("op", (*path, after)), {} if n else {first: IDENTITY}
    how: dict[str, Choice] = {name: after, named("allocation", path): "replicate", named("merge", path): "add", **beside}
    for op in (op for op in choices_of(space, end) if "conv_" in str(op)):
        yield Morphism("branch", _with(space, old, {**how, end: op}), f"{name} {n} → {after}: {end} {op}")


def _is_flat(op: str) -> bool:
    return op in ("conv_1x3_3x1", "conv_7x1_1x7")


def _with(space: TreeCellSpace, old: Chosen, changed: Chosen) -> Architecture:
    """Return the architecture with these changes; nodes that come to be are leaves."""
    return completed(space, {**old, **changed}, _leaf)


def _leaf(decision: Decision) -> Choice:
    return decision.choices[0]
