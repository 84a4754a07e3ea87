"""Which decisions are active, as bit masks that the walks over a space carry along.

A walk goes through the decisions in order with an integer `off`, whose lowest bit says that the
next decision is not active, the bit above it the one after that, and so on. A choice rules out
later decisions; `off >> 1 | rules_out[k][choice]` is the mask after decision k. All that the rest
of the walk needs to know of the choices before it is in that mask, which makes counting cheap.
"""

from collections.abc import Mapping, Sequence

from archsmith.errors import unknown
from archsmith.spaces.decisions.decisions import Decision
from archsmith.values import Choice

RulesOut = tuple[Mapping[Choice | None, int], ...]
"""For each decision and each of its choices (None: not active), the later decisions that this rules out."""


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
        for name, allowed in decision.when.items():
            _check_condition(decision.name, name, allowed, before)
        before[decision.name] = decision


def _check_condition(decision: str, name: str, allowed: Sequence[Choice], before: Mapping[str, Decision]) -> None:
    """Check one entry of a decision's `when`."""
    if name not in before:
        raise ValueError(f"`{decision}` depends on `{name}`, which is not before it. {unknown('decision', name, before)}")
    for choice in allowed:
        if choice not in before[name].choices:
            raise ValueError(
                f"`{decision}` is active for `{name}` = {choice!r}, which is no choice of it; valid: {before[name].valid}."
            )


def rules_out(decisions: Sequence[Decision]) -> RulesOut:
    """Return the masks by which a walk knows what is active."""
    masks = []
    for k, decision in enumerate(decisions):
        later = [(1 << j, other.when[decision.name]) for j, other in enumerate(decisions[k + 1 :]) if decision.name in other.when]
        of_choice: dict[Choice | None, int] = {
            c: sum(bit for bit, allowed in later if c not in allowed) for c in decision.choices
        }
        masks.append({None: sum(bit for bit, _ in later), **of_choice})
    return tuple(masks)
