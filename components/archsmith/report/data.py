"""What a report is made from, and what follows from it directly."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from archsmith.selection import quality, ranked
from archsmith.spaces.skips import skips
from archsmith.spaces.space import Space
from archsmith.spec import Objective, SearchSpec
from archsmith.values import Architecture, Fidelity, History, SupernetEpoch, Trial
from archsmith.values.data_facts import DataFacts
from archsmith.values.families import Families, families
from archsmith.values.metrics import SPREAD
from archsmith.values.outcome import Example, Foretold, Selection, TrainedModel, UntrainedWinner
from archsmith.values.promotion import Judgement
from archsmith.values.references import Worth
from archsmith.values.spending import Spending, spending
from archsmith.values.verdicts import Reranking, Skips, Verdict, reranking, verdicts

USUAL_COSTS = ("n_params", "latency_s")
"""What networks cost that are measured of all."""


@dataclass(frozen=True)
class ReportData:
    """A search that has ended, or has been looked at midway."""

    name: str
    """The search's name."""
    spec: SearchSpec
    """What was asked for."""
    space: Space
    """Where the architectures come from."""
    history: History
    """What was measured."""
    selection: Selection
    """What was found."""
    model: TrainedModel | None
    """The winner, trained in full; None where there is no winner, or not yet."""
    places: Mapping[str, str]
    """Where things are, what to URI: `model`, `onnx`, `store`, `mlflow` and so on."""
    untrained: UntrainedWinner | None = None
    """What is known of the winner on test images, where nothing is trained."""
    others: Mapping[str, TrainedModel] = field(default_factory=dict)
    """What was trained in full beside the winner, by the id of its trial."""
    images: DataFacts | None = None
    """What is known of the images."""
    examples: Sequence[Example] = ()
    """Test images, and what the winner made of them."""
    full: Fidelity | None = None
    """The fidelity of the search, to which the best are trained where there are rungs."""
    most_trials: int | None = None
    """Trials of the budget; None where only what they cost counts."""
    most_trainings: float | None = None
    """What they may cost, in full trainings' worth; None where only their number counts."""

    foretold: Sequence[Foretold] = ()
    """What was expected of trials that ran on all the same, and what came."""
    records: Sequence[SupernetEpoch] = ()
    """Of the epochs in which shared weights were trained."""
    promotion: Judgement | None = None
    """What becomes of the winner in MLflow; None where that is not known."""
    worth: Worth | None = None
    """What the search was worth; None where the winner is held to no reference."""
    chosen: Sequence[tuple[str, str, str]] = ()
    """What was chosen for a search file that left it open: what it is about, the choice, and why."""

    @property
    def trainings(self) -> float:
        """What the trials have cost, in full trainings' worth."""
        return sum(t.cost for t in self.history) / self.full.cost if self.full else 0.0

    @property
    def searched_s(self) -> float:
        """Seconds of the search that count against its budget: of the trials, and of shared weights."""
        return self.history.busy_s() + (self.records[-1].seconds if self.records else 0.0)

    @cached_property
    def spending(self) -> Spending | None:
        """What was spent on training, and avoided; None where the search's fidelity is not known."""
        return spending(self.history, self.full, self.records) if self.full else None

    @cached_property
    def families(self) -> Families:
        """Who has inherited weights from whom."""
        return families(self.history)

    def skips(self, architecture: Architecture) -> tuple[Skips, ...]:
        """Count the operations of an architecture that pass their input on."""
        return skips(self.space, architecture)

    @cached_property
    def reranking(self) -> Reranking | None:
        """What was ranked with shared weights and then trained alone; None where there is none."""
        return reranking(self.records, self.history, self.quality, self.quality_sign)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What makes the answer of shared weights doubtful."""
        metric, sign = self.quality, self.quality_sign
        return verdicts(self.records, self.history, skips=self.skips, metric=metric, sign=sign, trained=True, ended=True)

    @cached_property
    def compared(self) -> tuple[Trial, ...]:
        """The complete trials whose metrics compare with each other: all looks, or all trainings at one fidelity; where most are.

        Of as many, those at the higher fidelity.
        """
        groups: dict[tuple[bool, Fidelity], list[Trial]] = {}
        for trial in self.history.trials:
            if trial.status == "complete":
                groups.setdefault((trial.proposal.is_look, trial.proposal.fidelity), []).append(trial)

        def size(of: tuple[bool, Fidelity]) -> tuple[int, float]:
            return len(groups[of]), of[1].cost

        return tuple(groups[max(groups, key=size)]) if groups else ()

    @property
    def compared_at(self) -> str:
        """Say at which fidelity `compared` were, where others like them were at another one; else nothing."""
        if not self.compared:
            return ""
        of = self.compared[0].proposal
        fidelities = {t.proposal.fidelity for t in self.history.completed if t.proposal.is_look == of.is_look}
        return of.fidelity.words if len(fidelities) > 1 else ""

    @property
    def objective(self) -> Objective:
        """The first objective that has a goal: what the incumbent is the best of."""
        return next(o for o in self.spec.objectives if o.goal)

    @property
    def costs(self) -> tuple[str, ...]:
        """The metrics that accuracy, or what it is about instead, is drawn against: the usual ones, and what goals keep low."""
        goals = [o.metric for o in self.spec.objectives if o.goal and o.sign < 0 and o.metric != self.quality]
        return tuple(dict.fromkeys((*USUAL_COSTS, *goals)))

    @property
    def several(self) -> bool:
        """Whether there are several goals, and so a front that is more than the winner."""
        return sum(o.goal is not None for o in self.spec.objectives) > 1

    @cached_property
    def front(self) -> tuple[Trial, ...]:
        """The trials of the front, best first objective first: the one front of the selection, wherever one is shown."""
        trials = {t.id: t for t in self.history}
        return tuple(trials[trial] for trial in self.selection.front if trial in trials)

    @property
    def quality(self) -> str:
        """The metric that pictures compare trials by: accuracy, or else what the first objective is about."""
        return quality(self.history, self.spec.objectives)[0]

    @property
    def quality_sign(self) -> int:
        """+1 where more of it is better, -1 where less is."""
        return quality(self.history, self.spec.objectives)[1]

    @cached_property
    def ranked(self) -> tuple[Trial, ...]:
        """The trials with metrics, best first; in the order of the selection."""
        return tuple(ranked(self.history, self.spec.objectives))

    @cached_property
    def failed(self) -> tuple[Trial, ...]:
        """The trials without metrics."""
        return self.history.failed

    @cached_property
    def winner(self) -> Trial | None:
        """The trial that was selected."""
        return next((t for t in self.history if t.id == self.selection.winner), None)

    @cached_property
    def finished_s(self) -> Mapping[str, float]:
        """Seconds of search at which each trial ended, by its id; pauses between runs do not count."""
        ended: dict[str, float] = {}
        busy, until = 0.0, -math.inf
        for begin, end, trial in sorted((t.finished_at - t.seconds, t.finished_at, t.id) for t in self.history):
            busy += max(0.0, end - max(begin, until))
            until = max(until, end)
            ended[trial] = busy - (until - end)
        return ended

    def compares(self, trial: Trial) -> bool:
        """Tell whether a trial was trained at the winner's fidelity; any was where there is no winner."""
        return self.winner is None or trial.proposal.fidelity == self.winner.proposal.fidelity

    def allowed(self, trial: Trial) -> bool:
        """Tell whether a trial is within every limit."""
        return all(o.allows(value(trial, o.metric)) for o in self.spec.objectives)


def value(trial: Trial, metric: str) -> float:
    """Return a metric of a trial, NaN where it is missing or no finite number."""
    number = float(trial.metrics.get(metric, math.nan))
    return number if math.isfinite(number) else math.nan


def latencies_differ(one: Mapping[str, float], two: Mapping[str, float]) -> bool:
    """Tell whether two latencies differ by more than their spreads, and so by more than noise."""
    gap = abs(one.get("latency_s", math.nan) - two.get("latency_s", math.nan))
    return gap > one.get(SPREAD, 0.0) + two.get(SPREAD, 0.0)
