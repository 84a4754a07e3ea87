"""An open search file: one without a space, of which everything but data and time is chosen when it begins."""

from collections.abc import Iterator, Mapping
from typing import Any

from archsmith.spec import AUTO

Fault = tuple[tuple[str, ...], str]
"""A key below `spec`, and what is wrong with it."""

CHOSEN = ("first", "strategy", "estimation", "stopping", "training", "retrain")
"""The sections that are chosen with the space."""

ENDS = ("trials", "trainings", "rounds")
"""What a budget may say beside the minutes, and is chosen."""

EXAMPLE = "`budget: {minutes: 30}`"


def is_open(given: Any) -> bool:
    """Tell whether a document leaves the space to be chosen; whether it is sound otherwise does not matter."""
    spec = given.get("spec") if isinstance(given, Mapping) else None
    if not isinstance(spec, Mapping):
        return False
    space = spec.get("space", {"name": AUTO})
    return isinstance(space, Mapping) and space.get("name") == AUTO


def open_faults(spec: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the `spec` of an open file."""
    given = [section for section in CHOSEN if section in spec]
    for section in given:
        yield (
            (section,),
            "the section is given, but no space: it is chosen with the space where that is left out; name a space, as in "
            "`space: {name: chain}`, or leave this out",
        )
    for key in sorted((spec.get("space") or {}).keys() - {"name"}):
        yield ("space", key), f"the space {AUTO!r} is chosen with all of its settings; leave this out, or name a space"
    budget = spec.get("budget", {})
    budget = budget if isinstance(budget, Mapping) else {}
    for key in (key for key in ENDS if key in budget):
        yield ("budget", key), "how many trials there are is chosen, like the space; leave this out, or name a space"
    if given:
        return  # a space was forgotten; what else an open file needs is of no interest
    if spec.get("data") is None:
        yield ("data",), "the key is missing, but what is chosen is chosen for images; name them, as in `data: {name: digits}`"
    if budget.get("minutes") is None and "space" not in spec:
        yield (
            ("space",),
            f"the key is missing; name a space, as in `space: {{name: chain}}`, or the time in which everything is chosen, "
            f"searched and trained, as in {EXAMPLE}",
        )
    elif budget.get("minutes") is None:
        yield ("budget", "minutes"), f"the key is missing; say how long it may take in all, as in {EXAMPLE}"
