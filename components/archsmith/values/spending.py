"""What a search has spent on training, and what it has not: by rungs, by stopping early, and by going on from checkpoints.

All of it is held against the plain search that trains each architecture in full, once:

    full = spent + by rungs + by stopping

What going on avoids stands beside that: without checkpoints, each rung would have been trained from scratch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from archsmith.values.proposals import Architecture, Fidelity
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
class Spending:
    """What a search has spent on training and avoided, in all and by rung."""

    architectures: int
    """Architectures that were tried."""
    full: float
    """Epochs that training each of them in full, once, would have taken."""
    rungs: tuple[Rung, ...]
    """By fidelity, the cheapest first."""

    @property
    def spent(self) -> Amount:
        """What all trials have cost."""
        return _sum(rung.spent for rung in self.rungs)

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
        return not any(a.epochs for r in self.rungs for a in (r.by_rungs, r.by_stopping, r.by_going_on))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        parts = {name: asdict(getattr(self, name)) for name in ("spent", "by_rungs", "by_stopping", "by_going_on")}
        return {
            "architectures": self.architectures,
            "full_epochs": self.full,
            **parts,
            "rungs": [asdict(rung) for rung in self.rungs],
        }


def spending(history: History, full: Fidelity) -> Spending:
    """Count what a search has spent on training and avoided.

    Args:
        history: Its trials.
        full: Its own fidelity, to which the best are trained.
    """
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
