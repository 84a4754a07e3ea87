"""A search as it stands, for people and other programs: read from its store, whether it runs or not."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar

from archsmith.search import Search
from archsmith.selection import quality, select
from archsmith.spaces.skips import skips
from archsmith.stores.cluster_note import ClusterNote, note_of
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.stores.references import Referring
from archsmith.values import Architecture, EpochRecord, History, Proposal, SupernetEpoch, Trial
from archsmith.values.data_facts import DataFacts
from archsmith.values.durations import Durations
from archsmith.values.families import Families, families
from archsmith.values.outcome import Selection, TrainedModel, UntrainedWinner
from archsmith.values.promotion import Judgement
from archsmith.values.references import Worth
from archsmith.values.spending import Spending, spending
from archsmith.values.verdicts import Skips, Verdict, verdicts
from archsmith.views.promotions import promotion_of

T = TypeVar("T")

Running = Mapping[str, tuple[Proposal, tuple[EpochRecord, ...]]]
"""What is trained now, and the curve so far, by the id of the trial."""

Phase = Literal["starting", "sharing", "searching", "retraining", "reporting", "done"]
"""What a search does; `sharing` is the training of weights that all architectures share."""


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
    records: tuple[SupernetEpoch, ...] = ()
    """Of the epochs in which shared weights were trained, so far."""
    promotion: Judgement | None = None
    """What has become of the winner in MLflow; None where nobody knows."""
    settled: int | None = None
    """Epochs of the training in full that runs, where its time is limited and it has settled how many fit."""
    worth: Worth | None = None
    """What the search was worth; None where the winner is held to no reference, or not yet."""
    referring: Referring | None = None
    """The reference that is trained now."""
    expected: Durations | None = None
    """How long the search will take where it was begun, by what was measured before; None where nobody has."""
    note: ClusterNote | None = None
    """What its cluster has said last; None where no cluster has a hand in it."""

    @classmethod
    def read(cls, folder: SearchFolder, search: Search, history: History | None = None) -> Self:
        """Read it from the store.

        Args:
            folder: The search's folder; it must hold a search.
            search: The search.
            history: Its trials, where whoever looks again and again knows them already.

        Raises:
            CorruptObjectError: A trial is damaged. What else is, is passed over.
        """
        damaged: list[str] = []

        def look(read: Callable[[], T]) -> T | None:
            return passed_over(read, damaged.append)

        history = folder.history() if history is None else history
        selection = select(history, search.spec.objectives, search.estimation.fidelity, search.spec.retrain)
        model = look(lambda: best_model(folder, selection))
        untrained = look(lambda: best_untrained(folder, selection))
        others = look(lambda: other_models(folder, selection)) or {}
        begun, data = folder.is_begun(), look(folder.data_facts)
        rounds = folder.rounds() if search.spec.budget.rounds else None
        records = folder.supernet_epochs(damaged.append) if search.sharing else ()
        goes_on = look(lambda: _goes_on(search, history, records[-1].seconds if records else 0.0))
        selected = look(folder.selection) == selection
        worth = look(lambda: folder.worth(model.mark)) if model and search.has_references else None
        trained = not search.retrains or (model is not None and len(others) == len(selection.others))
        trained = trained and (worth is not None or not search.has_references)
        phase = "done" if folder.is_done() else _phase(selection, goes_on=goes_on, selected=selected, trained=trained)
        phase = phase if begun or history or phase == "done" else "starting"
        if phase == "searching" and search.sharing and not history.proposals and look(folder.derived) is None:
            phase = "sharing"
        promotion = look(lambda: promotion_of(folder, model) if model else None)
        at, running = time.time(), folder.progress()
        limited = search.spec.retrain.minutes is not None and phase == "retraining"
        settled = look(lambda: _settled(folder, running)) if limited else None
        return cls(
            search, history, running, rounds, selection, model, untrained, phase, at, data, tuple(damaged), others, records,
            promotion, settled, worth, folder.referring() if phase == "retraining" and model else None, look(folder.expected),
            note_of(folder),
        )  # fmt: skip

    @property
    def epochs_in_full(self) -> int:
        """Epochs of the training in full that runs; the most of them where it has not settled yet how many fit its time."""
        return self.settled or self.search.spec.retrain.epochs

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
        if self.phase == "sharing" and self.epochs_to_share:
            return self.epochs_to_share, len(self.records)
        if self.phase == "retraining" and self.referring:
            return self.referring.epochs, len(self.referring.curve)
        if self.phase == "retraining":
            return self.epochs_in_full, max((len(curve) for _, curve in self.running.values()), default=0)
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
        return spending(self.history, self.search.estimation.fidelity, self.records)

    @property
    def families(self) -> Families:
        """Who has inherited weights from whom."""
        return families(self.history)

    @property
    def epochs_to_share(self) -> int | None:
        """Epochs in which shared weights are to be trained; None where there are none."""
        return self.search.supernet.epochs if self.search.supernet else None

    @property
    def shared_s(self) -> float:
        """Seconds in which shared weights were trained so far."""
        return self.records[-1].seconds if self.records else 0.0

    def skips(self, architecture: Architecture) -> tuple[Skips, ...]:
        """Count the operations of an architecture that pass their input on."""
        return skips(self.search.space, architecture)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What makes the answer of shared weights doubtful."""
        metric, sign = quality(self.history, self.search.spec.objectives)
        return verdicts(
            self.records,
            self.history,
            skips=self.skips,
            metric=metric,
            sign=sign,
            trained=self.phase not in {"starting", "sharing"},
            ended=self.phase not in {"starting", "sharing", "searching"},
        )

    def said(self, trial: Trial) -> str:
        """Say a trial's metrics that the search is after, and its parameters."""
        metrics = dict.fromkeys([*(o.metric for o in self.search.spec.objectives), "n_params"])
        return ", ".join(f"{name} {trial.metrics[name]:,.6g}" for name in metrics if name in trial.metrics)

    @property
    def test_accuracy(self) -> float | None:
        """What the winner reaches on the test images, once that is known."""
        return (self.model.metrics if self.model else self._known).get("test_accuracy")

    def left_s(self) -> float | None:
        """Estimate the seconds until the trials are done, from the pace so far.

        Before the first one it is what was expected when the search began, or None where nobody knows. As long as weights are
        trained that all share, it is the seconds until these are.
        """
        if self.phase == "sharing":
            return self.shared_s / len(self.records) * (self.progress[0] - len(self.records)) if self.records else None
        if self.search.sharing:
            return self._left_of_both_s()
        done, cost = len(self.history), sum(t.cost for t in self.history)
        if not done:
            return self.expected.search_s if self.expected else None
        minutes, busy = self.search.spec.budget.minutes, self.history.busy_s()
        left = min(
            (self.search.most_trials - done) * busy / done, (self.search.most_cost - cost) * busy / cost if cost else math.inf
        )
        return max(0.0, left if minutes is None else min(left, 60 * minutes - busy))

    def _left_of_both_s(self) -> float | None:
        """Estimate the seconds until looks and trainings are done, each by its own pace.

        Before the first training, that is the pace at which the shared weights were trained.
        """
        alone, budget = self.history.alone, self.search.spec.budget
        looks, n_looks = History(self.history.looks), self.search.n_looks
        if not len(self.history):
            return None
        each_s = alone.busy_s() / len(alone) if len(alone) else 0.0
        if not each_s and self.records:
            each_s = self.search.estimation.fidelity.epochs * self.shared_s / len(self.records)
        trainings_s = each_s * (self.search.most_trials - n_looks - len(alone))
        left_s = trainings_s + (looks.busy_s() / len(looks) * (n_looks - len(looks)) if len(looks) else 0.0)
        minutes_s = math.inf if budget.minutes is None else 60 * budget.minutes - self.shared_s - self.history.busy_s()
        return max(0.0, min(left_s, minutes_s))

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
            "expected": self.expected.to_dict() if self.expected else None,
            "trials": {
                "complete": len(self.history.completed),
                "stopped": sum(t.status == "stopped" for t in self.history),
                "failed": len(failed),
                "running": len(self.running),
                "budget": self.most_trials,
            },
            "shared": self._shared() if self.search.sharing else None,
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "trainings": {"spent": self.trainings, "budget": self.most_trainings},
            "rounds": None if self.rounds is None else {"proposed": self.rounds, "budget": self.search.spec.budget.rounds},
            "spending": self.spending.to_dict(),
            "families": self.families.to_dict() if self.search.strategy_config.inherits else None,
            "selection": self.selection.to_dict(),
            "winner": self._described(winner) if winner else None,
            "model": model.to_dict() if model else None,
            "promotion": self.promotion.to_dict() if self.promotion else None,
            "references": self.worth.to_dict() if self.worth else None,
            "others": [other.to_dict() for other in self.others.values()],
            "failures": [{"id": t.id, "number": t.proposal.number, "error": t.error} for t in failed],
            "damaged": list(self.damaged),
            "places": dict(places),
        }

    def _shared(self) -> dict[str, Any]:
        """Return how the training of shared weights stands; of its last epoch also the entropy, and what it derives in words."""
        last = self.records[-1] if self.records else None
        said = self.search.describe(last.derived) if last and last.derived else None
        return {
            "epochs": len(self.records),
            "budget": self.epochs_to_share,
            "seconds": self.shared_s,
            "looks": len(self.history.looks),
            "last": {**last.to_dict(), "entropy": last.entropy, "notation": said} if last else None,
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


def _settled(folder: SearchFolder, running: Running) -> int | None:
    """Return how many epochs the training in full will have that runs; None where none says it."""
    return next((epochs for trial in running if (epochs := folder.epochs_settled(trial))), None)


def _goes_on(search: Search, history: History, shared_s: float) -> bool:
    """Tell whether there are trials to run; once the minutes are over, of shared weights too, those that are left never do."""
    minutes = search.spec.budget.minutes
    time_is_up = minutes is not None and shared_s + history.busy_s() >= 60 * minutes
    return not history.proposals or (not time_is_up and bool(history.running))


def _phase(selection: Selection, *, goes_on: bool | None, selected: bool, trained: bool) -> Phase:
    """Return the phase of a search that is not done, from what its steps have left; None means that it can't be told."""
    if goes_on or not selected:
        return "searching"  # or between two proposals, or before the selection
    return "retraining" if selection.winner is not None and not trained else "reporting"
