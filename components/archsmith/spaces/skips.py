"""How many of an architecture's operations pass their input on: too many of them are the sign of a collapse."""

from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice
from archsmith.values.verdicts import Skips

SKIPS = frozenset({"skip_connect", "identity", "skip"})
"""What spaces call an operation that computes nothing."""
NONE = "none"
"""What they call one that passes nothing on."""
CELLS = {"normal": "the normal cell", "reduce": "the reduction cell"}


def skips(space: Space, architecture: Architecture) -> tuple[Skips, ...]:
    """Count the skips among the active decisions that could be one, and the gaps, cell by cell where operations are of cells.

    A cell that could stand somewhere in the network, and does nowhere, does not count.
    """
    chosen: dict[str, list[Choice]] = {}
    offered, taken = {choice for d in space.decisions for choice in d.choices}, {*architecture.choices}
    for decision, choice in zip(space.decisions, architecture.choices, strict=True):
        if choice is not None and not SKIPS.isdisjoint(c for c in decision.choices if isinstance(c, str)):
            cell, _, rest = decision.name.partition("_op_")
            if rest and cell in offered and cell not in taken:
                continue
            chosen.setdefault(cell if rest else "", []).append(choice)
    return tuple(
        Skips(CELLS.get(cell, cell or "the network"), sum(c in SKIPS for c in found), len(found), found.count(NONE))
        for cell, found in chosen.items()
    )
