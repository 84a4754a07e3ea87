"""What a search has spent on training, and what it has not: by rungs, by stopping early, by sharing weights, by going on.

All of it is held against the plain search that trains each architecture in full, once:

    full = spent + by rungs + by stopping + by sharing

What going on from checkpoints avoids stands beside that: without them, each rung would have been trained from scratch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from archsmith.values.proposals import Architecture, Fidelity
from archsmith.values.supernets import SupernetEpoch
from archsmith.values.trials import History, Trial


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of training."""

    epochs: float = 0.0
    """Epochs at the fidelity of the search: less of the images, the width, the depth or the resolution counts for less."""
    seconds: float = 0.0
    """Seconds of a worker; of what was not trained, by what an epoch of the same architecture took."""

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.epochs + other.epochs, self.seconds + other.seconds)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.epochs - other.epochs, self.seconds - other.seconds)


@dataclass(frozen=True, slots=True)
class Rung:
    """What was spent and avoided at a fidelity."""

    fidelity: Fidelity
    """The fidelity."""
    trials: int
    """Trials at it."""
    stopped: int
    """Those that were stopped early."""
    failed: int
    """Those that failed."""
    promoted: int
    """Those whose architecture was tried at a higher one."""
    went_on: int
    """Those that went on from a checkpoint."""
    spent: Amount
    """What they have cost; a failed one as much as was planned, as the budget counts it."""
    by_rungs: Amount
    """What architectures that ended here would have cost in full, less what their trials were to cost here and below; less than
    nothing where they were trained anew in each rung up to the last one."""
    by_stopping: Amount
    """What those would have cost to their end that were stopped."""
    by_going_on: Amount
    """What was not trained once more, since there was a checkpoint."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What was spent on weights that architectures share, and avoided by them."""

    epochs: int
    """Epochs in which they were trained. One counts as an epoch of a training alone; its seconds tell what it took."""
    looks: int
    """How many architectures were looked at with them."""
    failed: int
    """Looks that failed."""
    trained: Amount
    """What training them has cost."""
    looked: Amount
    """What the looks have cost."""
    avoided: Amount
    """What training each architecture in full would have cost that was only looked at, less both."""

    @property
    def spent(self) -> Amount:
        """What they have cost in all."""
        return self.trained + self.looked


@dataclass(frozen=True, slots=True)
class Spending:
    """What a search has spent on training and avoided, in all and by rung."""

    architectures: int
    """Architectures that were tried, those that were only looked at among them."""
    full: float
    """Epochs that training each of them in full, once, would have taken."""
    rungs: tuple[Rung, ...]
    """By fidelity, the cheapest first."""
    shared: Shared | None = None
    """What belongs to shared weights, where there are any."""

    @property
    def spent(self) -> Amount:
        """What all trials have cost, and the training of shared weights."""
        return _sum((*(rung.spent for rung in self.rungs), *([self.shared.spent] if self.shared else [])))

    @property
    def by_sharing(self) -> Amount:
        """What was avoided as not all architectures were trained by themselves; less than nothing where few were looked at."""
        return self.shared.avoided if self.shared else Amount()

    @property
    def by_rungs(self) -> Amount:
        """What was avoided as not all architectures were promoted to the last rung; less than nothing where rungs cost more."""
        return _sum(rung.by_rungs for rung in self.rungs)

    @property
    def by_stopping(self) -> Amount:
        """What was avoided by stopping trials early."""
        return _sum(rung.by_stopping for rung in self.rungs)

    @property
    def by_going_on(self) -> Amount:
        """What was not trained once more as promoted trials went on from checkpoints."""
        return _sum(rung.by_going_on for rung in self.rungs)

    @property
    def is_plain(self) -> bool:
        """Whether each architecture was trained in full, once, and so there is nothing to tell."""
        return self.shared is None and not any(a.epochs for r in self.rungs for a in (r.by_rungs, r.by_stopping, r.by_going_on))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        parts = {name: asdict(getattr(self, name)) for name in ("spent", "by_rungs", "by_stopping", "by_sharing", "by_going_on")}
        return {
            "architectures": self.architectures,
            "full_epochs": self.full,
            **parts,
            "rungs": [asdict(rung) for rung in self.rungs],
            "shared": asdict(self.shared) if self.shared else None,
        }


def spending(history: History, full: Fidelity, records: Sequence[SupernetEpoch] = ()) -> Spending:
    """Count what a search has spent on training and avoided.

    Args:
        history: Its trials.
        full: Its own fidelity, to which the best are trained.
        records: Of the training of shared weights, where there was one.
    """
    alone = _alone(history.alone, full)
    if not records and not history.looks:
        return alone
    trained = {trial.proposal.architecture for trial in history.alone}
    looked = {trial.proposal.architecture for trial in history.looks} - trained
    n = len(trained) + len(looked)
    return Spending(n, float(n * full.epochs), alone.rungs, _shared(history, full, records, len(looked)))


def _shared(history: History, full: Fidelity, records: Sequence[SupernetEpoch], only_looked: int) -> Shared:
    """Count what belongs to shared weights; so many architectures were looked at and not trained."""
    unit, pace = full.cost_an_epoch, _pace(history.alone.trials)
    trained = Amount(float(len(records)), records[-1].seconds if records else 0.0)
    looked = Amount(sum(t.cost for t in history.looks) / unit, sum(t.seconds for t in history.looks))
    otherwise = Amount(float(only_looked * full.epochs), only_looked * full.cost * pace)
    failed = sum(t.status == "failed" for t in history.looks)
    # As long as none was trained alone, nobody knows how long that would take.
    avoided = otherwise - trained - looked if pace else Amount(otherwise.epochs - trained.epochs - looked.epochs)
    return Shared(len(records), len(history.looks), failed, trained, looked, avoided)


def _alone(history: History, full: Fidelity) -> Spending:
    """Count what was spent and avoided of what was trained by itself."""
    by_architecture: dict[Architecture, list[Trial]] = {}
    for trial in history:
        by_architecture.setdefault(trial.proposal.architecture, []).append(trial)
    paces = {architecture: _pace(trials) for architecture, trials in by_architecture.items()}
    ended = {
        max(trials, key=lambda t: t.proposal.fidelity.cost).id: full.cost - sum(t.proposal.cost for t in trials)
        for trials in by_architecture.values()
    }
    fidelities = sorted({t.proposal.fidelity for t in history}, key=lambda f: f.cost)
    rungs = tuple(
        _rung(f, [(t, paces[t.proposal.architecture], ended.get(t.id)) for t in history if t.proposal.fidelity == f], full)
        for f in fidelities
    )
    return Spending(len(by_architecture), float(len(by_architecture) * full.epochs), rungs)


def _rung(fidelity: Fidelity, trials: Sequence[tuple[Trial, float, float | None]], full: Fidelity) -> Rung:
    """Count the trials of a fidelity, each with the pace of its architecture and, if it was the last of that, what it avoided."""
    unit = full.cost_an_epoch

    def total(costs: Iterable[tuple[float, float]]) -> Amount:
        return _sum(Amount(cost / unit, cost * pace) for cost, pace in costs)

    return Rung(
        fidelity,
        len(trials),
        stopped=sum(t.status == "stopped" for t, _, _ in trials),
        failed=sum(t.status == "failed" for t, _, _ in trials),
        promoted=sum(avoided is None for _, _, avoided in trials),
        went_on=sum(t.proposal.epochs_before > 0 for t, _, _ in trials),
        spent=Amount(sum(t.cost for t, _, _ in trials) / unit, sum(t.seconds for t, _, _ in trials)),
        by_rungs=total((avoided or 0.0, pace) for _, pace, avoided in trials),
        by_stopping=total((t.proposal.cost - t.cost, pace) for t, pace, _ in trials),
        by_going_on=total((t.proposal.epochs_before * fidelity.cost_an_epoch, pace) for t, pace, _ in trials),
    )


def _pace(trials: Sequence[Trial]) -> float:
    """Return the seconds that a unit of cost took of an architecture; failed trials do not tell how far they came."""
    told = [t for t in trials if t.status != "failed"]
    cost = sum(t.cost for t in told)
    return sum(t.seconds for t in told) / cost if cost else 0.0


def _sum(amounts: Iterable[Amount]) -> Amount:
    return sum(amounts, Amount())
