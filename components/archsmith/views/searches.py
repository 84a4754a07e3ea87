"""The searches of a store: one of them as a result for Python, and how all of them stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsmith.errors import ArchsmithError, TransientError
from archsmith.opening import open_search
from archsmith.stores import absolute_uri, default_uri, open_store
from archsmith.stores.folder import SearchFolder
from archsmith.views.result import Result
from archsmith.views.snapshot import Phase, Snapshot


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
    error: str | None = None
    """Why it can't be read, such as a damaged object."""

    def to_dict(self) -> dict[str, Any]:
        """Return what `archsmith list --json` prints of it."""
        return {
            "name": self.name,
            "phase": self.phase,
            "trials": {"ended": self.trials, "failed": self.failed, "budget": self.budget},
            "trainings": {"spent": self.trainings, "budget": self.most_trainings},
            "best": dict(self.best) if self.best is not None else None,
            "test_accuracy": self.test_accuracy,
            "error": self.error,
        }


def load(name: str, *, store: str | Path | None = None) -> Result:
    """Return a search that was begun before, as it stands now; nothing is run.

    Args:
        name: Its name.
        store: Folder or URI of the store; ARCHSMITH_STORE, or ./runs where it is left out.

    Raises:
        NotFoundError: The store has no search of that name; the message lists those that it has.
        CorruptObjectError: The store's search file is damaged.
    """
    uri = absolute_uri(str(store or default_uri()))
    return Result(*open_search(uri, name), uri)


def listed(store: str) -> list[Listed]:
    """Return how all the searches of the store at a URI stand, by name; one that can't be read says why."""
    return [_listed(store, name) for name in sorted(SearchFolder.names(open_store(store)))]


def _listed(store: str, name: str) -> Listed:
    try:
        folder, search = open_search(store, name)
        now = Snapshot.read(folder, search)
    except TransientError:
        raise  # the same holds for all of them
    except ArchsmithError as error:
        return Listed(name, error=str(error))
    metrics = [o.metric for o in search.spec.objectives if o.goal is not None]
    best = {metric: now.winner.metrics[metric] for metric in metrics if metric in now.winner.metrics} if now.winner else None
    failed = len(now.history.failed)
    return Listed(
        name, now.phase, len(now.history), failed, now.most_trials, now.trainings, now.most_trainings, best, now.test_accuracy
    )
