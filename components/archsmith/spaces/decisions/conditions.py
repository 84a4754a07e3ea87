"""Which decisions are active, as bit masks that the walks over a space carry along.

A walk goes through the decisions in order with an integer `off`, whose lowest bit says that the
next decision is not active, the bit above it the one after that, and so on. A choice rules out
later decisions; `off >> 1 | rules_out[k][choice]` is the mask after decision k. All that the rest
of the walk needs to know of the choices before it is in that mask, which makes counting cheap.
"""

from collections.abc import Callable, Mapping, Sequence

from archsmith.errors import unknown
from archsmith.spaces.decisions.decisions import Decision
from archsmith.values import Choice

RulesOut = tuple[Mapping[Choice | None, int], ...]
"""For each decision and each of its choices (None: not active), the later decisions that this rules out."""

Pick = Callable[[int, Decision], Choice]
"""Chooses for an active decision, given its place and itself."""


def check(decisions: Sequence[Decision]) -> None:
    """Check that names are unique and that each decision depends on earlier ones and on choices they have.

    Raises:
        ValueError: the decisions are no search space.
    """
    if not decisions:
        raise ValueError("A space has no decisions, but needs at least one.")
    before: dict[str, Decision] = {}
    for decision in decisions:
        if decision.name in before:
            raise ValueError(f"Two decisions have the name `{decision.name}`; names must be unique in a space.")
        for name, allowed in (*decision.when.items(), *decision.if_active.items()):
            _check_condition(decision.name, name, allowed, before)
        before[decision.name] = decision


def _check_condition(decision: str, name: str, allowed: Sequence[Choice], before: Mapping[str, Decision]) -> None:
    """Check one entry of a decision's `when` or `if_active`."""
    if name not in before:
        raise ValueError(f"`{decision}` depends on `{name}`, which is not before it. {unknown('decision', name, before)}")
    for choice in allowed:
        if choice not in before[name].choices:
            raise ValueError(
                f"`{decision}` depends on `{name}` = {choice!r}, which is no choice of it; valid: {before[name].valid}."
            )


def rules_out(decisions: Sequence[Decision]) -> RulesOut:
    """Return the masks by which a walk knows what is active."""
    return tuple(_masks(decision, decisions[k + 1 :]) for k, decision in enumerate(decisions))


def _masks(decision: Decision, later: Sequence[Decision]) -> Mapping[Choice | None, int]:
    """Return the masks of a decision's choices, and that of its not being active, which rules out nothing of an `if_active`."""
    name = decision.name
    when = [(1 << j, other.when[name]) for j, other in enumerate(later) if name in other.when]
    if_active = [(1 << j, other.if_active[name]) for j, other in enumerate(later) if name in other.if_active]
    # A later decision may name this one in both ways, hence the set.
    of_choice: dict[Choice | None, int] = {
        c: sum({bit for bit, allowed in (*when, *if_active) if c not in allowed}) for c in decision.choices
    }
    return {None: sum(bit for bit, _ in when), **of_choice}


def walk(decisions: Sequence[Decision], masks: RulesOut, pick: Pick) -> tuple[Choice | None, ...]:
    """Return a choice for each decision, asking `pick` for those that are active.

    Args:
        decisions: Those of the space.
        masks: What `rules_out` says of them.
        pick: Chooses.
    """
    off, choices = 0, list[Choice | None]()
    for k, decision in enumerate(decisions):
        choice = None if off & 1 else pick(k, decision)
        choices.append(choice)
        off = off >> 1 | masks[k][choice]
    return tuple(choices)
