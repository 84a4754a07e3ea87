"""Steps in the mobile space: more channels inside, larger kernels, gates, and blocks that add zeros at first."""

from collections.abc import Iterator
from itertools import product

from archsmith.spaces.mobile import MobileSpace
from archsmith.spaces.morphing.steps import Chosen, Morphism, changed, choices_of, larger, smaller
from archsmith.values import Architecture

_BLOCK = ("kernel", "expansion", "se")


def grown(space: MobileSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the exact steps.

    A block that does not expand its channels has no layer for it, and its ReLUs follow other layers: it can't be made to.
    """
    old = space.assignment(architecture)
    yield from larger(space, old, {"expansion_": "widen", "kernel_": "kernel"}, lambda name, _: old[name] != 1)
    for decision in space.decisions:
        if decision.name.startswith("se_") and old.get(decision.name) is False and True in decision.choices:
            yield changed(space, old, decision.name, True, "branch")
    yield from _deeper(space, old)


def shrunk(space: MobileSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield fewer channels inside, smaller kernels, and stages without their last block."""
    old = space.assignment(architecture)
    yield from smaller(space, old, ("expansion_", "kernel_"))
    for stage, depth in _depths(space, old, -1):
        gone = {f"{what}_{stage}_{depth + 1}" for what in _BLOCK}
        left = {name: choice for name, choice in old.items() if name not in gone} | {f"depth_{stage}": depth}
        yield Morphism("shrink", space.architecture(left), f"depth_{stage} {depth + 1} → {depth}")


def _deeper(space: MobileSpace, old: Chosen) -> Iterator[Morphism]:
    """Yield each block at the end of a stage: it has a shortcut, as it changes neither channels nor sides."""
    for stage, depth in _depths(space, old, 1):
        names = [name for what in _BLOCK if choices_of(space, name := f"{what}_{stage}_{depth}")]
        for found in product(*(choices_of(space, name) for name in names)):
            block = dict(zip(names, found, strict=True))
            said = ", ".join([f"depth_{stage} {depth - 1} → {depth}", *(f"{name} {choice}" for name, choice in block.items())])
            yield Morphism("deepen", space.architecture({**old, **block, f"depth_{stage}": depth}), said)


def _depths(space: MobileSpace, old: Chosen, by: int) -> Iterator[tuple[int, int]]:
    """Yield the stages that can have so many blocks more, by their numbers, and how many they have then."""
    for stage in range(1, len(space.config.stages) + 1):
        depth = int(old.get(f"depth_{stage}", 0)) + by
        if depth in choices_of(space, f"depth_{stage}"):
            yield stage, depth
