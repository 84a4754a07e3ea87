"""What a network is once every decision is made: layers, sums and concatenations, without conditions and references."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Joined:
    """Branches that all take the same input, and come together."""

    branches: tuple[tuple["Step", ...], ...]
    """An empty one hands the input on."""
    join: str
    """`sum`, `concat`, or `residual`: a sum of a branch and the input."""


Step = Layer | Joined


def resolve(network: Sequence[Block], chosen: Chosen, depth: float = 1.0) -> tuple[Step, ...]:
    """Return the steps of the network.

    Args:
        network: Blocks that `mistakes` finds nothing wrong with.
        chosen: What was decided.
        depth: Repeated blocks are repeated that share of times, at least once where they are there at all.
    """
    return tuple(step for block in network for step in _steps(block, chosen, depth))


def _steps(block: Block, chosen: Chosen, depth: float) -> Iterator[Step]:
    """Yield the steps of a block."""
    if block.op is not None:
        yield _layer(block, chosen)
    elif block.repeat is not None:
        n = int(_value(block.repeat, chosen))
        for _ in range(max(1, round(n * depth)) if n else 0):
            yield from resolve(block.blocks or (), chosen, depth)
    elif block.residual is not None:
        if body := resolve(block.residual, chosen, depth):
            yield Joined((body, ()), "residual")
    elif block.branches is not None:
        branches = tuple(resolve(branch, chosen, depth) for branch in block.branches)
        yield Joined(branches, str(_value(block.join or "sum", chosen)))
    elif _holds(block.when or {}, chosen):
        yield from resolve(block.blocks or (), chosen, depth)


def _layer(block: Block, chosen: Chosen) -> Layer:
    op = str(_value(cast("str", block.op), chosen))
    settings = {}
    for name, setting in LAYERS[op].items():
        given = getattr(block, name)
        value = setting.default if given is None else _value(given, chosen)
        if value is not None:
            settings[name] = value
    return Layer(op, settings)


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
