"""Who has inherited weights from whom in a search, what each began with, and what that has saved.

What a birth saves is held against training from scratch for as many epochs as the weights have had:

    saved = epochs of the line before x seconds an epoch of the child's own - seconds of the birth

It says nothing of whether a network from scratch would have needed as many; `benchmarks/inherited.py` measures that.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archsmith.values.births import Born, Orphan
from archsmith.values.trials import History, Trial


@dataclass(frozen=True, slots=True)
class Child:
    """A trial that began with the weights of another one."""

    trial: Trial
    """The trial."""
    birth: Born
    """What it began with."""
    parent: Trial | None
    """Whom it has them from; None where that trial is not known."""
    generation: int
    """1 for a child of one that was trained from scratch, and one more than its parent's for others."""

    @property
    def accuracy(self) -> float:
        """What it came to; NaN where it failed."""
        return self.trial.metrics.get("accuracy", math.nan)

    @property
    def saved_s(self) -> float:
        """Seconds that its line's epochs before would have taken at its own pace, less those of its birth.

        Less than nothing where the birth took longer; nothing where it failed.
        """
        curve = self.trial.curve
        if self.trial.status == "failed" or not curve:
            return 0.0
        return self.birth.epochs * (curve[-1].seconds - self.birth.seconds) / len(curve) - self.birth.seconds

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "trial": self.trial.id,
            "number": self.trial.proposal.number,
            "parent_number": self.parent.proposal.number if self.parent else None,
            "generation": self.generation,
            **self.birth.to_dict(),
            "trained_accuracy": None if math.isnan(self.accuracy) else self.accuracy,
            "saved_s": self.saved_s,
        }


@dataclass(frozen=True)
class Families:
    """All that was inherited in a search."""

    trials: Sequence[Trial]
    """The trials that were trained, in the order of their numbers."""
    children: Sequence[Child]
    """Those among them that inherited."""
    orphans: Sequence[tuple[Trial, Orphan]]
    """Those that were to inherit and could not, and so began from scratch, and why."""

    @property
    def are_none(self) -> bool:
        """Whether nothing was to be inherited."""
        return not self.children and not self.orphans

    @property
    def born_accuracy(self) -> float:
        """The mean accuracy at birth; NaN where none was born."""
        return sum(child.birth.accuracy for child in self.children) / len(self.children) if self.children else math.nan

    @property
    def saved_s(self) -> float:
        """Seconds that all births have saved together."""
        return sum(child.saved_s for child in self.children)

    @cached_property
    def of(self) -> Mapping[str, Child]:
        """The children by the ids of their trials."""
        return {child.trial.id: child for child in self.children}

    def line(self, trial: str) -> list[Trial]:
        """Return a trial and those that its weights descend from, the eldest last, by its id; nothing where it is not known."""
        found = [t for t in self.trials if t.id == trial]
        while found and (child := self.of.get(found[-1].id)) and child.parent:
            found.append(child.parent)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "trials": len(self.trials),
            "inherited": len(self.children),
            "born_accuracy": self.born_accuracy if self.children else None,
            "saved_s": self.saved_s,
            "children": [child.to_dict() for child in self.children],
            "orphans": [{"trial": t.id, "number": t.proposal.number, **orphan.to_dict()} for t, orphan in self.orphans],
        }


def families(history: History) -> Families:
    """Find out who has inherited from whom."""
    by_id = {trial.id: trial for trial in history}
    generation = dict.fromkeys(by_id, 0)
    children: list[Child] = []
    for trial in history:  # a parent was proposed before its children
        if isinstance(trial.birth, Born):
            generation[trial.id] = generation.get(trial.birth.parent, 0) + 1
            children.append(Child(trial, trial.birth, by_id.get(trial.birth.parent), generation[trial.id]))
    orphans = [(trial, trial.birth) for trial in history if isinstance(trial.birth, Orphan)]
    return Families(history.alone.trials, children, orphans)
