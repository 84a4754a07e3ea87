"""How much each decision of a space matters to the accuracy, from the trials of a search, as far as they can tell.

References:
    - Kelley, An Unbiased Correlation Ratio Measure (Proc. Natl. Acad. Sci. 21(9), 1935): epsilon squared, the share of the
      variance between a decision's choices, less what choices made at random would explain.
    - Holm, A Simple Sequentially Rejective Multiple Test Procedure (Scand. J. Statist. 6(2), 1979): of many decisions, some look
      important by chance.

Where this deviates: a decision is judged by the trials in which it is active, against the variance of all, so that one that is
rarely active can't look important because few trials are easily explained.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scipy.special import fdtrc

from archsmith.report.data import value
from archsmith.spaces.decisions import Decision
from archsmith.spaces.space import Space
from archsmith.values import Choice, Trial

FEWEST = 10
"""Trials with an accuracy below which nothing is said: of a few, some decision always explains all."""

SURE = 0.05
"""Probability of a difference at least this large by chance alone, below which it is taken for an effect."""

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
    """Share of the variance of accuracy that it explains beyond chance: epsilon squared, in [0, 1]; NaN where no two trials
    made the same choice."""
    chance: float
    """Probability that choices without any effect would differ as much, in [0, 1], corrected for the number of decisions."""
    choices: tuple[ChoiceEffect, ...]
    """Those that were tried, in the order of the decision."""

    @property
    def sure(self) -> bool:
        """Whether it can be told from chance."""
        return self.chance < SURE


def effects(space: Space, trials: Sequence[Trial], metric: str = "accuracy") -> tuple[Effect, ...]:
    """Return the effect of each decision of which at least two choices were tried, those that are sure first, the largest first.

    There are none where the trials are too few to tell.
    """
    values = ((t.proposal.architecture.choices, value(t, metric)) for t in trials)
    known = [(choices, number) for choices, number in values if not math.isnan(number)]
    if len(known) < FEWEST:
        return ()
    total = _squares([number for _, number in known])
    found = []
    for i, decision in enumerate(space.decisions):
        groups = _groups(decision, [(choices[i], number) for choices, number in known])
        if len(groups) > 1:
            found.append(_effect(decision.name, groups, total))
    return tuple(sorted(_corrected(found), key=lambda e: (not e.sure, math.isnan(e.share), -e.share)))


def _corrected(found: Sequence[Effect]) -> list[Effect]:
    """Correct each probability for how many decisions there are (Holm 1979)."""
    corrected, least = [], 0.0
    for k, effect in enumerate(sorted(found, key=lambda e: e.chance)):
        least = max(least, min(1.0, (len(found) - k) * effect.chance))
        corrected.append(replace(effect, chance=least))
    return corrected


def _groups(decision: Decision, pairs: Sequence[tuple[Choice | None, float]]) -> dict[Choice, list[float]]:
    """Return the values of each choice that was tried; a trial where the decision is not active has None."""
    groups: dict[Choice, list[float]] = {choice: [] for choice in decision.choices}
    for chosen, number in pairs:
        if chosen in groups:
            groups[chosen].append(number)
    return {choice: values for choice, values in groups.items() if values}


def _effect(name: str, groups: Mapping[Choice, Sequence[float]], total: float) -> Effect:
    """Return the effect of a decision by itself."""
    choices = tuple(_choice(choice, values) for choice, values in groups.items())
    active = [number for values in groups.values() for number in values]
    within = sum(map(_squares, groups.values()))
    between = max(0.0, _squares(active) - within)
    freedom = len(active) - len(groups)
    if total <= _NOTHING:
        return Effect(name, 0.0, 1.0, choices)
    if freedom == 0:
        return Effect(name, math.nan, 1.0, choices)
    noise, among = within / freedom, len(groups) - 1
    share = min(1.0, max(0.0, (between - among * noise) / total))  # rounding may leave a hair above everything
    chance = fdtrc(among, freedom, between / among / noise) if noise > _NOTHING * total else float(between <= _NOTHING)
    return Effect(name, share, float(chance), choices)


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
