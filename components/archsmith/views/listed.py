"""A search in a list of searches: how it stands, as read anew, or as it stood when it ended."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from archsmith.selection import keeps_limits
from archsmith.spec.series import is_of_series
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.values.metrics import metrics_from_dict, metrics_to_dict
from archsmith.values.references import Worth
from archsmith.views.snapshot import Phase, Snapshot

N_COURSE = 40
"""Points of the line that a list draws of a search."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A search in the list of a store."""

    name: str
    """Its name."""
    phase: Phase | None = None
    """What it does now; None where that can't be read."""
    trials: int = 0
    """Trials that have ended, failed ones too."""
    failed: int = 0
    """Those that failed."""
    looks: int = 0
    """Those that only looked, with shared weights."""
    budget: int | None = None
    """Trials that it may have; None where only what they cost counts."""
    trainings: float = 0.0
    """What they have cost, in full trainings' worth."""
    most_trainings: float | None = None
    """What they may cost; None where only their number counts."""
    best: Mapping[str, float] | None = None
    """The metrics of the incumbent by which it was chosen; None where there is no incumbent."""
    test_accuracy: float | None = None
    """What the winner reaches on the test images, once it is known."""
    worth: Worth | None = None
    """What it has gained over simple networks, once that is known."""
    error: str | None = None
    """Why it can't be read, such as a damaged object."""
    began_at: float | None = None
    """When its first trial began, in seconds since the epoch of Unix; None before that."""
    course: tuple[float, ...] = ()
    """The value of the incumbent after each trial, at most `N_COURSE` of them, evenly chosen."""
    promotion: str | None = None
    """What its winner is called in MLflow, such as `champion`; None where that is not known."""
    progress: float = 0.0
    """How much of what it does now is done, in [0, 1]."""
    series: str = ""
    """The series of a schedule that it is of; empty where it is of none."""

    def to_dict(self) -> dict[str, Any]:
        """Return what `archsmith list --json` prints of it."""
        return {
            "name": self.name,
            "phase": self.phase,
            "trials": {"ended": self.trials, "failed": self.failed, "looks": self.looks, "budget": self.budget},
            "trainings": {"spent": self.trainings, "budget": self.most_trainings},
            "best": dict(self.best) if self.best is not None else None,
            "test_accuracy": self.test_accuracy,
            "gained": self.worth.gained if self.worth else None,
            "gains": {held.reference.name: held.gain.to_dict() for held in self.worth.held} if self.worth else {},
            "error": self.error,
        }

    def to_kept(self) -> dict[str, Any]:
        """Return it as the store keeps it of a search that has ended."""
        plain = {name: getattr(self, name) for name in _KEPT}
        return {**plain, "best": metrics_to_dict(self.best or {}), "worth": self.worth.to_dict() if self.worth else None}

    @classmethod
    def of_kept(cls, raw: Mapping[str, Any]) -> Self:
        """Make it of what `to_kept` gave."""
        best, worth = metrics_from_dict(raw["best"]), Worth.from_dict(raw["worth"]) if raw["worth"] else None
        plain = {name: raw[name] for name in _KEPT if name in raw}
        return cls(**{**plain, "best": best or None, "worth": worth, "course": tuple(map(float, raw["course"]))})


_KEPT = tuple(field.name for field in fields(Listed) if field.name not in {"best", "worth", "error"})
"""What is kept as it is; errors are not."""


def ended_as(folder: SearchFolder) -> Listed | None:
    """Return how a search stood when it ended, with one request; None where it goes on, or where that was not kept."""
    return passed_over(lambda: folder.read_value("done", lambda raw: Listed.of_kept(raw["listed"])), lambda _: None)


def listed_of(now: Snapshot, error: str | None = None) -> Listed:
    """Return how a search stands, as a line of a list.

    Args:
        now: How it stands.
        error: What speaks against it all the same.
    """
    metrics = [o.metric for o in now.search.spec.objectives if o.goal is not None]
    best = {metric: now.winner.metrics[metric] for metric in metrics if metric in now.winner.metrics} if now.winner else None
    total, done = now.progress
    return Listed(
        now.search.name,
        now.phase,
        len(now.history),
        len(now.history.failed),
        len(now.history.looks),
        now.most_trials,
        now.trainings,
        now.most_trainings,
        best,
        now.test_accuracy,
        now.worth,
        error,
        min((t.finished_at - t.seconds for t in now.history), default=None),
        tuple(course(now)),
        now.promotion.alias if now.promotion else None,
        1.0 if now.phase == "done" else min(1.0, done / total) if total else 0.0,
        _series(now),
    )


def _series(now: Snapshot) -> str:
    """Return the series that a search is of: as its cluster says, or by its name and that of the model that a series shares."""
    name, model = now.search.name, now.search.spec.tracking.model
    if now.note and now.note.series:
        return now.note.series
    return model if model and is_of_series(name, model) else ""


def course(now: Snapshot) -> list[float]:
    """Return the value of the incumbent after each trial within the limits that compares with the winner, evenly chosen."""
    objective, best, winner = now.search.spec.first_goal, list[float](), now.winner
    for trial in now.history.alone.completed:
        found = trial.metrics.get(objective.metric, math.nan)
        if winner and trial.proposal.fidelity != winner.proposal.fidelity:
            continue
        if math.isfinite(found) and keeps_limits(trial, now.search.spec.objectives):
            best.append(max(best[-1], found, key=lambda v: objective.sign * v) if best else found)
    return [best[round(k * (len(best) - 1) / (N_COURSE - 1))] for k in range(N_COURSE)] if len(best) > N_COURSE else best
