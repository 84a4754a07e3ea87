"""Children that begin with their parents' weights: shared by the strategies whose proposals inherit."""

from collections.abc import Iterable, Sequence

from archsmith.spec import Objective
from archsmith.strategies.ranking import FAILED, rank
from archsmith.values import FromScratch, Inherits, Origin, Trial


def may_bequeath(trial: Trial, goal: Objective, objectives: Sequence[Objective]) -> bool:
    """Tell whether a trial can be a parent: it was trained to its end, and has a finite value of the goal."""
    return trial.status == "complete" and rank(trial, goal, objectives) != FAILED


def origin(parent: Trial) -> Origin:
    """Return what a child of `parent` begins with: its weights, unless it was not trained to its end."""
    return Inherits(parent.id) if parent.status == "complete" else FromScratch()


def kept_of(parents: Iterable[Trial]) -> frozenset[str]:
    """Return the ids of those among possible parents whose weights children may begin with: of what was trained to its end."""
    return frozenset(trial.id for trial in parents if trial.status == "complete")
