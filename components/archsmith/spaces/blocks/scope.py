"""What is known of the decisions at a place in a network: which of them are active there, with which choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from archsmith.spaces.decisions import Decision
from archsmith.values import Choice


@dataclass(frozen=True, slots=True)
class Scope:
    """The decisions of a space, narrowed by the conditions around a place.

    A condition on a decision implies that it is active, and so implies its own conditions too; with these
    added, each decision is free to take any of the choices left to it, and what is said here is exact.
    """

    decisions: Mapping[str, Decision]
    """Every decision, by name."""
    known: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    """The choices left to the decisions that are active here for sure."""

    def choices(self, name: str) -> tuple[Choice, ...]:
        """Return the choices that a decision may have here."""
        return self.known.get(name, self.decisions[name].choices)

    def is_active(self, name: str) -> bool:
        """Tell whether a decision is active here, whatever the others choose."""
        when = self.decisions[name].when
        return name in self.known or all(
            self.is_active(p) and set(self.choices(p)) <= set(allowed) for p, allowed in when.items()
        )

    def is_empty(self) -> bool:
        """Tell whether the conditions contradict each other, so that nothing ever gets here."""
        return not all(self.known.values())

    def narrowed(self, conditions: Mapping[str, Sequence[Choice]]) -> "Scope":
        """Return what is known where these conditions hold as well."""
        scope = self
        for name, allowed in conditions.items():
            left = tuple(c for c in scope.choices(name) if c in allowed)
            scope = replace(scope, known={**scope.known, name: left}).narrowed(self.decisions[name].when)
        return scope
