"""What a step from one architecture to another one is, and the steps that change one decision."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.values import Architecture, Choice

Operation = Literal["widen", "deepen", "kernel", "branch", "split", "shrink"]
"""What is done; all but `shrink` are exact."""


@dataclass(frozen=True, slots=True)
class Morphism:
    """A step from one architecture to another."""

    operation: Operation
    """What is done."""
    architecture: Architecture
    """Where it leads."""
    what: str
    """Which decisions change and how, for people: `filters_2 16 → 32`."""


Chosen = Mapping[str, Choice]
"""The choices of an architecture's active decisions, by name."""


def changed(space: DecisionSpace, old: Chosen, name: str, choice: Choice, operation: Operation) -> Morphism:
    """Return the step that changes one decision."""
    return Morphism(operation, space.architecture({**old, name: choice}), f"{name} {old[name]} → {choice}")


def larger(
    space: DecisionSpace,
    old: Chosen,
    operations: Mapping[str, Operation],
    allowed: Callable[[str, Choice], bool] = lambda *_: True,
) -> Iterator[Morphism]:
    """Yield each larger choice of decisions that are numbers.

    Args:
        space: The space.
        old: What is chosen.
        operations: What it is to grow a decision, by the beginning of its name.
        allowed: Tells of a decision and a choice whether that can be.
    """
    for name, choice, operation in _others(space, old, operations):
        if float(choice) > float(old[name]) and allowed(name, choice):
            yield changed(space, old, name, choice, operation)


def smaller(space: DecisionSpace, old: Chosen, prefixes: Collection[str]) -> Iterator[Morphism]:
    """Yield each smaller choice of decisions that are numbers, and whose names begin with one of `prefixes`."""
    for name, choice, operation in _others(space, old, dict.fromkeys(prefixes, "shrink")):
        if float(choice) < float(old[name]):
            yield changed(space, old, name, choice, operation)


def _others(space: DecisionSpace, old: Chosen, operations: Mapping[str, Operation]) -> Iterator[tuple[str, Choice, Operation]]:
    """Yield the choices of each active decision with one of these beginnings, and what it is to change it."""
    for decision in space.decisions:
        for beginning, operation in operations.items():
            if decision.name in old and decision.name.startswith(beginning):
                yield from ((decision.name, choice, operation) for choice in decision.choices)


def choices_of(space: DecisionSpace, name: str) -> tuple[Choice, ...]:
    """Return the choices of a decision; none where there is no such decision."""
    return next((decision.choices for decision in space.decisions if decision.name == name), ())


def completed(space: DecisionSpace, wanted: Chosen, default: Callable[[Decision], Choice]) -> Architecture:
    """Return the architecture with these choices, as far as their decisions are active, and the default for others that are."""
    chosen: dict[str, Choice] = {}
    for decision in space.decisions:
        if decision.is_active(chosen):
            chosen[decision.name] = wanted[decision.name] if decision.name in wanted else default(decision)
    return space.architecture(chosen)
