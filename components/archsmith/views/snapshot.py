"""A search as it stands, for people and other programs: read from its store, whether it runs or not."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar

from archsmith.search import Search
from archsmith.selection import select
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.values import EpochRecord, History, Proposal, Trial
from archsmith.values.data_facts import DataFacts
from archsmith.values.outcome import Selection, TrainedModel, UntrainedWinner
from archsmith.values.spending import Spending, spending

T = TypeVar("T")

Running = Mapping[str, tuple[Proposal, tuple[EpochRecord, ...]]]
"""What is trained now, and the curve so far, by the id of the trial."""

Phase = Literal["starting", "searching", "retraining", "reporting", "done"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store knows of a search at a moment."""

    search: Search
    """The search."""
    history: History
    """Its trials."""
    running: Running
    """The trials that run, and the curve of each so far; retraining is the one that is in the history already."""
    rounds: int | None
    """Rounds proposed so far; None where the search has no rounds."""
    selection: Selection
    """The winner so far, or the final one."""
    model: TrainedModel | None
    """The winner, trained in full."""
    untrained: UntrainedWinner | None
    """What is known of the winner on test images, where nothing is trained."""
    phase: Phase
    """What it does now."""
    at: float
    """When, in seconds since the epoch of Unix."""
    data: DataFacts | None
    """What is known of the images; None where there are none, or where they are not read yet."""
    damaged: tuple[str, ...]
    """What is said of objects that are damaged and were passed over."""
    others: Mapping[str, TrainedModel]
    """What is trained in full beside the winner, by the id of its trial."""

    @classmethod
    def read(cls, folder: SearchFolder, search: Search) -> Self:
        """Read it from the store.

        Args:
            folder: The search's folder; it must hold a search.
            search: The search.

        Raises:
            CorruptObjectError: A trial is damaged. What else is, is passed over.
        """
        damaged: list[str] = []

        def look(read: Callable[[], T]) -> T | None:
            return passed_over(read, damaged.append)

        history = folder.history()
        selection = select(history, search.spec.objectives, search.estimation.fidelity, search.spec.retrain)
        model = look(lambda: best_model(folder, selection))
        untrained = look(lambda: best_untrained(folder, selection))
        others = look(lambda: other_models(folder, selection)) or {}
        begun, data = folder.is_begun(), look(folder.data_facts)
        rounds = folder.rounds() if search.spec.budget.rounds else None
        goes_on = look(lambda: _goes_on(search, history))
        selected = look(folder.selection) == selection
        trained = not search.retrains or (model is not None and len(others) == len(selection.others))
        phase = "done" if folder.is_done() else _phase(selection, goes_on=goes_on, selected=selected, trained=trained)
        phase = phase if begun or history or phase == "done" else "starting"
        at, running = time.time(), folder.progress()
        return cls(search, history, running, rounds, selection, model, untrained, phase, at, data, tuple(damaged), others)

    @property
    def winner(self) -> Trial | None:
        """The incumbent: the best trial so far."""
        return next((t for t in self.history if t.id == self.selection.winner), None)

    @property
    def _known(self) -> Mapping[str, float]:
        """What is known of a winner that isn't trained: of its test, and its trial's metrics beside accuracy."""
        return {**self.winner.metrics, **self.untrained.metrics} if self.untrained and self.winner else {}

    @property
    def progress(self) -> tuple[float, float]:
        """What the budget allows, or epochs of the retraining, and how much of it is done.

        Of trials and what they cost, it is whichever is nearer to its end.
        """
        if self.phase == "retraining":
            return self.search.spec.retrain.epochs, max((len(curve) for _, curve in self.running.values()), default=0)
        done, cost = len(self.history), sum(t.cost for t in self.history)
        both = ((max(self.search.most_trials, done), done), (max(self.search.most_cost, cost), cost))
        return max((pair for pair in both if math.isfinite(pair[0])), key=lambda pair: pair[1] / pair[0])

    @property
    def trainings(self) -> float:
        """What the trials have cost, in full trainings' worth."""
        return sum(t.cost for t in self.history) / self.search.estimation.fidelity.cost

    @property
    def most_trials(self) -> int | None:
        """Trials of the budget; None where only what they cost counts."""
        return int(self.search.most_trials) if math.isfinite(self.search.most_trials) else None

    @property
    def most_trainings(self) -> float | None:
        """Full trainings' worth of the budget; None where only the number of trials counts."""
        most = self.search.most_cost / self.search.estimation.fidelity.cost
        return most if math.isfinite(most) else None

    @property
    def spending(self) -> Spending:
        """What was spent on training, and avoided."""
        return spending(self.history, self.search.estimation.fidelity)

    def said(self, trial: Trial) -> str:
        """Say a trial's metrics that the search is after, and its parameters."""
        metrics = dict.fromkeys([*(o.metric for o in self.search.spec.objectives), "n_params"])
        return ", ".join(f"{name} {trial.metrics[name]:,.6g}" for name in metrics if name in trial.metrics)

    @property
    def test_accuracy(self) -> float | None:
        """What the winner reaches on the test images, once that is known."""
        return (self.model.metrics if self.model else self._known).get("test_accuracy")

    def left_s(self) -> float | None:
        """Estimate the seconds until the trials are done, from the pace so far; None before the first one."""
        done, cost = len(self.history), sum(t.cost for t in self.history)
        if not done:
            return None
        minutes, busy = self.search.spec.budget.minutes, self.history.busy_s()
        left = min(
            (self.search.most_trials - done) * busy / done, (self.search.most_cost - cost) * busy / cost if cost else math.inf
        )
        return max(0.0, left if minutes is None else min(left, 60 * minutes - busy))

    def to_dict(self, places: Mapping[str, str]) -> dict[str, Any]:
        """Return what `archsmith show --json` prints.

        Args:
            places: Where a person finds what, by name.
        """
        model, winner = self.model, self.winner
        found = model.metrics if model else self._known
        failed = self.history.failed
        return {
            "name": self.search.name,
            "phase": self.phase,
            **{name: found.get(name) for name in ("test_accuracy", "n_params", "flops", "latency_s")},
            **(self.untrained.metrics if self.untrained else {}),  # the test value may be that of a metric of one's own
            "seconds": {"search": self.history.busy_s(), "retrain": model.seconds if model else None},
            "trials": {
                "complete": len(self.history.completed),
                "stopped": sum(t.status == "stopped" for t in self.history),
                "failed": len(failed),
                "running": len(self.running),
                "budget": self.most_trials,
            },
            "trainings": {"spent": self.trainings, "budget": self.most_trainings},
            "rounds": None if self.rounds is None else {"proposed": self.rounds, "budget": self.search.spec.budget.rounds},
            "spending": self.spending.to_dict(),
            "selection": self.selection.to_dict(),
            "winner": self._described(winner) if winner else None,
            "model": model.to_dict() if model else None,
            "others": [other.to_dict() for other in self.others.values()],
            "failures": [{"id": t.id, "number": t.proposal.number, "error": t.error} for t in failed],
            "damaged": list(self.damaged),
            "places": dict(places),
        }

    def _described(self, trial: Trial) -> dict[str, Any]:
        """Return a trial with its architecture in the space's words."""
        architecture = trial.proposal.architecture
        words = {"notation": self.search.describe(architecture), "decisions": self.search.space.assignment(architecture)}
        return {**trial.to_dict(), **words}


def best_model(folder: SearchFolder, selection: Selection) -> TrainedModel | None:
    """Return the trained winner, or None where it is not trained yet; what is there may be an earlier winner."""
    _, model = folder.trained() or (None, None)
    return model if model is not None and model.trial == selection.winner else None


def other_models(folder: SearchFolder, selection: Selection) -> dict[str, TrainedModel]:
    """Return what is trained in full beside the winner by the id of its trial, as far as it is trained yet."""
    found = {trial: folder.trained(selection.place(trial)) for trial in selection.others}
    return {trial: trained[1] for trial, trained in found.items() if trained}


def best_untrained(folder: SearchFolder, selection: Selection) -> UntrainedWinner | None:
    """Return what is known of the winner's test where nothing is trained; None where it is not known yet."""
    untrained = folder.untrained()
    return untrained if untrained is not None and untrained.trial == selection.winner else None


def _goes_on(search: Search, history: History) -> bool:
    """Tell whether there are trials to run; once the minutes are over, those that are left never do."""
    minutes = search.spec.budget.minutes
    time_is_up = minutes is not None and history.busy_s() >= 60 * minutes
    return not history.proposals or (not time_is_up and bool(history.running))


def _phase(selection: Selection, *, goes_on: bool | None, selected: bool, trained: bool) -> Phase:
    """Return the phase of a search that is not done, from what its steps have left; None means that it can't be told."""
    if goes_on or not selected:
        return "searching"  # or between two proposals, or before the selection
    return "retraining" if selection.winner is not None and not trained else "reporting"
