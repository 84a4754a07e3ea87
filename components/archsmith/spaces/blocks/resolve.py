"""What a network is once every decision is made: layers, sums and concatenations, without conditions and references."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from archsmith.spaces.blocks.block import Block, Condition
from archsmith.spaces.blocks.layers import LAYERS
from archsmith.values import Choice

Chosen = Callable[[str], Choice | None]
"""The choice of a decision, by name; None where it is not active."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer and its settings."""

    op: str
    """One of `LAYERS`."""
    settings: Mapping[str, Choice]
    """Every setting that the layer has, except `filters` where it keeps its channels."""
    place: str = field(default="", compare=False)
    """Where it stands in the file's network: `2`, or `3_1_2`, the second block of the first repetition of block 3."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Branches that all take the same input, and come together."""

    branches: tuple[tuple["Step", ...], ...]
    """An empty one hands the input on."""
    join: str
    """`sum`, `concat`, or `residual`: a sum of a branch and the input."""
    place: str = field(default="", compare=False)
    """As that of a layer."""


Step = Layer | Joined


def resolve(network: Sequence[Block], chosen: Chosen, depth: float = 1.0, place: str = "") -> tuple[Step, ...]:
    """Return the steps of the network.

    Args:
        network: Blocks that `mistakes` finds nothing wrong with.
        chosen: What was decided.
        depth: Repeated blocks are repeated that share of times, at least once where they are there at all.
        place: Where these blocks stand, as the beginning of their places.
    """
    return tuple(step for k, block in enumerate(network, start=1) for step in _steps(block, chosen, depth, f"{place}{k}"))


def _steps(block: Block, chosen: Chosen, depth: float, place: str) -> Iterator[Step]:
    """Yield the steps of a block."""
    if block.op is not None:
        yield _layer(block, chosen, place)
    elif block.repeat is not None:
        n = int(_value(block.repeat, chosen))
        for k in range(max(1, round(n * depth)) if n else 0):
            yield from resolve(block.blocks or (), chosen, depth, f"{place}_{k + 1}_")
    elif block.residual is not None:
        if body := resolve(block.residual, chosen, depth, f"{place}_"):
            yield Joined((body, ()), "residual", place)
    elif block.branches is not None:
        branches = tuple(resolve(branch, chosen, depth, f"{place}_{k}_") for k, branch in enumerate(block.branches, start=1))
        yield Joined(branches, str(_value(block.join or "sum", chosen)), place)
    elif _holds(block.when or {}, chosen):
        yield from resolve(block.blocks or (), chosen, depth, f"{place}_")


def _layer(block: Block, chosen: Chosen, place: str) -> Layer:
    op = str(_value(cast("str", block.op), chosen))
    settings = {}
    for name, setting in LAYERS[op].items():
        given = getattr(block, name)
        value = setting.default if given is None else _value(given, chosen)
        if value is not None:
            settings[name] = value
    return Layer(op, settings, place)


def _value(value: Choice, chosen: Chosen) -> Choice:
    """Return a constant, or what the decision that it names has chosen."""
    if (name := reference(value)) is None:
        return value
    choice = chosen(name)
    assert choice is not None, f"`{name}` is not active"
    return choice


def _holds(condition: Condition, chosen: Chosen) -> bool:
    return all(chosen(name) in allowed for name, allowed in condition.items())


def reference(value: Choice | None) -> str | None:
    """Return the name of the decision that a value refers to; None where it is a constant."""
    return value[1:] if isinstance(value, str) and value.startswith("$") else None
