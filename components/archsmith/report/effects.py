"""How much each decision of a space matters to the accuracy, from the trials of a search.

Reference: the correlation ratio eta squared (Fisher, "Statistical Methods for Research Workers",
1925): the sum of squares between a decision's choices over that of all trials. Here a decision is
judged by the trials in which it is active, against the variance of all, so that one that is rarely
active can't look important because few trials are easily explained.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archsmith.report.data import value
from archsmith.spaces.decisions import Decision
from archsmith.spaces.space import Space
from archsmith.values import Choice, Trial

_NOTHING = 1e-12
"""Sum of squares of accuracies that differ by rounding only."""


@dataclass(frozen=True, slots=True)
class ChoiceEffect:
    """The trials that made one choice."""

    choice: Choice
    """What they chose."""
    n: int
    """How many there are, >= 1."""
    mean: float
    """Mean of their accuracy."""
    error: float
    """Standard error of that mean; NaN for a single trial."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A decision, and what each of its choices went along with."""

    decision: str
    """Its name."""
    share: float
    """Share of the variance of accuracy that it explains: eta squared, in [0, 1]."""
    choices: tuple[ChoiceEffect, ...]
    """Those that were tried, in the order of the decision."""

    @property
    def best(self) -> ChoiceEffect:
        """The choice with the highest mean."""
        return max(self.choices, key=lambda c: c.mean)


def effects(space: Space, trials: Sequence[Trial], metric: str = "accuracy") -> tuple[Effect, ...]:
    """Return the effect of each decision of which at least two choices were tried, the largest first."""
    known = [t for t in trials if not math.isnan(value(t, metric))]
    total = _squares([value(t, metric) for t in known])
    found = []
    for i, decision in enumerate(space.decisions):
        groups = _groups(decision, [(t.proposal.architecture.choices[i], value(t, metric)) for t in known])
        if len(groups) > 1:
            found.append(_effect(decision.name, groups, total))
    return tuple(sorted(found, key=lambda e: -e.share))


def _groups(decision: Decision, pairs: Sequence[tuple[Choice | None, float]]) -> dict[Choice, list[float]]:
    """Return the values of each choice that was tried; a trial where the decision is not active has None."""
    groups: dict[Choice, list[float]] = {}
    for choice in decision.choices:
        if values := [number for chosen, number in pairs if chosen is not None and chosen == choice]:
            groups[choice] = values
    return groups


def _effect(name: str, groups: Mapping[Choice, Sequence[float]], total: float) -> Effect:
    active = [number for values in groups.values() for number in values]
    between = _squares(active) - sum(map(_squares, groups.values()))
    # Rounding may leave a hair below nothing or above everything.
    share = min(1.0, max(0.0, between / total)) if total > _NOTHING else 0.0
    return Effect(name, share, tuple(_choice(choice, values) for choice, values in groups.items()))


def _choice(choice: Choice, values: Sequence[float]) -> ChoiceEffect:
    n = len(values)
    error = math.sqrt(_squares(values) / (n - 1) / n) if n > 1 else math.nan
    return ChoiceEffect(choice, n, math.fsum(values) / n, error)


def _squares(values: Sequence[float]) -> float:
    """Return the sum of squared distances from the mean."""
    if not values:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.fsum((v - mean) ** 2 for v in values)
