"""A search as it stands, for people and other programs: read from its store, whether it runs or not."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archsmith.search import Search
from archsmith.selection import select
from archsmith.stores.folder import SearchFolder
from archsmith.values import EpochRecord, History, Proposal, Selection, TrainedModel, Trial

Running = Mapping[str, tuple[Proposal, tuple[EpochRecord, ...]]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store knows of a search at a moment."""

    search: Search
    """The search."""
    history: History
    """Its trials."""
    running: Running
    """The trials that run, and the curve of each so far; retraining is the one that is in the history already."""
    rounds: int
    """Rounds proposed so far."""
    selection: Selection
    """The winner so far, or the final one."""
    model: TrainedModel | None
    """The winner, trained in full."""
    has_report: bool
    """Whether the report is written: then the search is over."""
    at: float
    """When, in seconds since the epoch of Unix."""

    @classmethod
    def read(cls, folder: SearchFolder, search: Search) -> "Snapshot":
        """Read it from the store."""
        history = folder.history()
        selection = select(history, search.spec.objectives, search.estimation.fidelity)
        trained = folder.read_json("best/model.json")
        model = TrainedModel.from_dict(trained["model"]) if trained else None
        current = model if model is not None and model.trial == selection.winner else None
        has_report = current is not None and bool(folder.read("report/index.html"))
        return cls(search, history, folder.progress(), folder.rounds(), selection, current, has_report, time.time())

    @property
    def phase(self) -> str:
        """What it does now: `searching`, `retraining`, `reporting` or `done`."""
        if self.has_report:
            return "done"
        if self.model is not None:
            return "reporting"
        over = len(self.history) >= self.search.spec.budget.trials
        return "retraining" if over or any(p in self._ids for p in self.running) else "searching"

    @property
    def winner(self) -> Trial | None:
        """The incumbent: the best trial so far."""
        return next((t for t in self.history if t.id == self.selection.winner), None)

    @property
    def _ids(self) -> set[str]:
        return {t.id for t in self.history}

    def left_s(self) -> float | None:
        """Estimate the seconds until the trials are done, from the pace so far; None before the first one."""
        done = len(self.history)
        if not done:
            return None
        budget = self.search.spec.budget
        left = (budget.trials - done) * self.history.busy_s() / done
        return left if budget.minutes is None else max(0.0, min(left, 60 * budget.minutes - self.history.busy_s()))

    def to_dict(self, places: Mapping[str, str]) -> dict[str, Any]:
        """Return what `archsmith show --json` prints."""
        model, winner = self.model, self.winner
        space = self.search.space
        failed = [t for t in self.history if t.status == "failed"]
        return {
            "name": self.search.name,
            "phase": self.phase,
            "test_accuracy": model.metrics["test_accuracy"] if model else None,
            "n_params": model.metrics["n_params"] if model else None,
            "flops": model.metrics["flops"] if model else None,
            "latency_s": model.metrics["latency_s"] if model else None,
            "seconds": {"search": self.history.busy_s(), "retrain": model.seconds if model else None},
            "trials": {
                "complete": len(self.history.completed),
                "failed": len(failed),
                "running": len(self.running),
                "budget": self.search.spec.budget.trials,
            },
            "rounds": {"proposed": self.rounds, "budget": self.search.spec.budget.n_rounds},
            "selection": self.selection.to_dict(),
            "winner": {**winner.to_dict(), "decisions": space.assignment(winner.proposal.architecture)} if winner else None,
            "model": model.to_dict() if model else None,
            "failures": [{"id": t.id, "number": t.proposal.number, "error": t.error} for t in failed],
            "places": dict(places),
        }
