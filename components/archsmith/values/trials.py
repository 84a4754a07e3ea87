"""What was measured: trials with their learning curves, and the history of a search.

All of them are frozen, compare by value, and go to JSON and back unchanged, except that JSON has no
NaN and no infinity: a number that is not finite is null there, and comes back as NaN.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Literal, Self, get_args

from archsmith.values.births import Birth, birth_from_dict
from archsmith.values.metrics import metrics_from_dict, metrics_to_dict
from archsmith.values.proposals import Architecture, Fidelity, Proposal

Status = Literal["complete", "stopped", "failed"]
STATUSES: frozenset[Status] = frozenset(get_args(Status))

_NUMBERS = frozenset((int, float, type(None)))
"""The types of what JSON has for a number."""


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One point of a learning curve, taken at the end of an epoch."""

    epoch: int
    """From 1."""
    step: int
    """Optimizer steps so far."""
    train_loss: float
    """Mean loss over the epoch's batches."""
    val_loss: float
    """Mean cross-entropy on the validation images."""
    val_accuracy: float
    """In [0, 1]."""
    seconds: float
    """Seconds of training and validation so far, interruptions not counted."""


CURVES: Mapping[str, str] = {"accuracy": "val_accuracy", "loss": "val_loss"}
"""Where the values of a metric are in the record of an epoch, of those that are there."""


def curve_to_rows(curve: Sequence[EpochRecord]) -> list[list[float | None]]:
    """Write a curve as rows; a loss that is not finite is null there."""
    values = ((r.epoch, r.step, r.train_loss, r.val_loss, r.val_accuracy, r.seconds) for r in curve)
    return [[v if math.isfinite(v) else None for v in row] for row in values]


def curve_from_rows(rows: Sequence[Sequence[Any]]) -> tuple[EpochRecord, ...]:
    """Read the rows of a curve; raises `TypeError` where they hold anything but numbers."""
    if not set(map(type, chain.from_iterable(rows))) <= _NUMBERS:
        raise TypeError("a curve holds what is no number")
    # A long history has some hundred thousand rows, and a null in hardly any of them.
    return tuple(EpochRecord(*(row if None not in row else [math.nan if v is None else v for v in row])) for row in rows)


@dataclass(frozen=True, slots=True)
class Stop:
    """That a training was ended early, since it was not expected to become one of the best."""

    epoch: int
    """After which epoch, from 1."""
    rule: str
    """The name of the rule that ended it."""
    predicted: float
    """What it would have reached in the end, by the rule's prediction: of the first objective's metric."""
    deviation: float
    """Standard deviation of that prediction."""

    def __post_init__(self) -> None:
        if self.epoch < 1 or not math.isfinite(self.predicted) or not 0 <= self.deviation < math.inf:
            raise ValueError(f"A stop has an epoch from 1, and a prediction that is finite with its deviation, but is {self}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(raw["epoch"], raw["rule"], raw["predicted"], raw["deviation"])


@dataclass(frozen=True, slots=True, repr=False)
class Trial:
    """A proposal and what was measured. It is written once, when its estimation has ended."""

    proposal: Proposal
    """What was measured, and how."""
    status: Status
    """`complete`; `stopped` early, with what was measured until then; or `failed`, with its error."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """By the names of `metrics.METRICS`, measured and never predicted; empty where the trial failed."""
    curve: tuple[EpochRecord, ...] = ()
    """One record an epoch; what there is of it where the trial failed."""
    error: str | None = None
    """Why it failed: the kind of error and what to do about it."""
    seconds: float = 0.0
    """Seconds of estimation, interruptions not counted."""
    finished_at: float = 0.0
    """When, in seconds since the epoch of Unix."""
    seed: int = 0
    """Seed of weights, batches and augmentation."""
    device: str = ""
    """Where it was trained: `cpu`, or the name of the GPU."""
    checkpoint: str | None = None
    """Key of its weights in the store, where they are kept."""
    stop: Stop | None = None
    """Where and why it was stopped early, and what it was expected to reach."""
    birth: Birth | None = None
    """What it began with, where it was to inherit weights."""

    def __post_init__(self) -> None:
        if (self.status == "stopped") != (self.stop is not None):
            raise ValueError(f"A trial says why it was stopped, if it was, and only then; status {self.status!r}, {self.stop!r}.")
        if (self.status == "failed") != (self.error is not None):
            raise ValueError(f"A trial has an error when it failed, and only then; status {self.status!r}, error {self.error!r}.")

    @property
    def id(self) -> str:
        """The id of its proposal."""
        return self.proposal.id

    @property
    def cost(self) -> float:
        """What it has cost, roughly, in epochs of full training: no more than its proposal, less where it was stopped."""
        if self.stop is None:
            return self.proposal.cost
        return (self.stop.epoch - self.proposal.epochs_before) * self.proposal.fidelity.cost_an_epoch

    def __repr__(self) -> str:
        told = [name for name in ("accuracy", "n_params") if name in self.metrics] or [*self.metrics][:2]
        known = (f"{name} {self.metrics[name]:,.6g}" for name in told)
        return f"<Trial {self.proposal.number}, {self.status}: {self.error or ', '.join(known) or 'no metrics'}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; a curve is a list of rows to keep it small."""
        return {
            "proposal": self.proposal.to_dict(),
            "status": self.status,
            "metrics": metrics_to_dict(self.metrics),
            "curve": curve_to_rows(self.curve),
            "error": self.error,
            "seconds": self.seconds,
            "finished_at": self.finished_at,
            "seed": self.seed,
            "device": self.device,
            "checkpoint": self.checkpoint,
            "stop": self.stop.to_dict() if self.stop else None,
            "birth": self.birth.to_dict() if self.birth else None,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(
            Proposal.from_dict(raw["proposal"]),
            raw["status"],
            metrics_from_dict(raw["metrics"]),
            curve_from_rows(raw["curve"]),
            raw["error"],
            raw["seconds"],
            raw["finished_at"],
            raw["seed"],
            raw["device"],
            raw["checkpoint"],
            Stop.from_dict(raw["stop"]) if raw["stop"] else None,
            birth_from_dict(raw.get("birth")),
        )


@dataclass(frozen=True, repr=False)
class History:
    """The trials of a search in the order of their proposals: its only state.

    The order is that of `Proposal.number`, not of completion, so that two runs of a search that
    differ only in which worker was faster have the same history and go on alike.
    """

    trials: tuple[Trial, ...] = ()
    """Whatever order they are given in, they are kept in that of their proposals' numbers."""
    running: tuple[Proposal, ...] = ()
    """What was proposed and has no trial here yet, in the order of its numbers."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "running", tuple(sorted(self.running, key=lambda p: p.number)))
        if any(a.proposal.number > b.proposal.number for a, b in zip(self.trials, self.trials[1:], strict=False)):
            object.__setattr__(self, "trials", tuple(sorted(self.trials, key=lambda t: t.proposal.number)))

    def __len__(self) -> int:
        return len(self.trials)

    def __repr__(self) -> str:
        return f"<History of {len(self)} trials>"

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)

    @cached_property
    def proposals(self) -> tuple[Proposal, ...]:
        """All that was proposed, in the order of the numbers."""
        return tuple(sorted((*(t.proposal for t in self.trials), *self.running), key=lambda p: p.number))

    @cached_property
    def completed(self) -> tuple[Trial, ...]:
        """The trials that were measured to their end; only these can win."""
        return tuple(t for t in self.trials if t.status == "complete")

    @cached_property
    def failed(self) -> tuple[Trial, ...]:
        """The trials that have an error."""
        return tuple(t for t in self.trials if t.status == "failed")

    @cached_property
    def looks(self) -> tuple[Trial, ...]:
        """The trials that were measured with shared weights."""
        return tuple(t for t in self.trials if t.proposal.is_look)

    @cached_property
    def alone(self) -> "History":
        """All but looks: what was trained, or is, and so compares with each other."""
        if not any(p.is_look for p in self.proposals):
            return self
        return History(tuple(t for t in self.trials if not t.proposal.is_look), tuple(p for p in self.running if not p.is_look))

    @cached_property
    def measured(self) -> frozenset[tuple[Architecture, Fidelity]]:
        """What was measured already, failed trials included."""
        return frozenset((t.proposal.architecture, t.proposal.fidelity) for t in self.trials)

    def busy_s(self) -> float:
        """Return the seconds in which at least one trial ran; pauses between runs do not count."""
        total, until = 0.0, -math.inf
        for start, end in sorted((t.finished_at - t.seconds, t.finished_at) for t in self.trials):
            total += max(0.0, end - max(start, until))
            until = max(until, end)
        return total

    @classmethod
    def of(cls, trials: Sequence[Trial], running: Sequence[Proposal] = ()) -> Self:
        """Make a history of trials in any order."""
        return cls(tuple(trials), tuple(running))
