"""The values of a search: everything that is passed between its stages and kept in its store.

All of them are frozen, compare by value, and go to JSON and back unchanged, except that JSON has no
NaN and no infinity: a number that is not finite is null there, and comes back as NaN.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Literal, Self, get_args

from archsmith.values.metrics import metrics_from_dict, metrics_to_dict

Choice = str | int | float | bool
"""One alternative of a decision."""

Status = Literal["complete", "stopped", "failed"]
STATUSES: frozenset[Status] = frozenset(get_args(Status))

_NUMBERS = frozenset((int, float, type(None)))
"""The types of what JSON has for a number."""


def digest(text: str) -> str:
    """Return a short id of `text`: 12 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def seed_from(text: str) -> int:
    """Return a seed, in [0, 2**32), that depends on `text` alone: the same on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


@dataclass(frozen=True, slots=True)
class Architecture:
    """A point of a search space: one choice for each of its decisions.

    It is canonical: a decision that is not active has the choice None, so equal networks described
    by the same decisions are equal values.
    """

    space: str
    """The name of its space."""
    choices: tuple[Choice | None, ...]
    """One choice a decision, in the space's order; None where the decision is not active."""

    @property
    def id(self) -> str:
        """A short id: 12 hexadecimal digits, the same on every machine and in every process."""
        return digest(f"{self.space}{list(self.choices)!r}")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"id": self.id, "space": self.space, "choices": list(self.choices)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(raw["space"], tuple(raw["choices"]))


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How much a trial spends: full fidelity is the full number of epochs, and 1 for all the rest."""

    epochs: int
    """Passes over the training images, >= 1."""
    data: float = 1.0
    """Fraction of the training images, in (0, 1], the same share of each class."""
    width: float = 1.0
    """Multiplier of the numbers of filters and units, in (0, 1]."""
    depth: float = 1.0
    """Multiplier of the number of layers or cells, in (0, 1]."""
    resolution: float = 1.0
    """Multiplier of the images' height and width, in (0, 1]."""

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"The value of `epochs` is {self.epochs}, but must be >= 1.")
        for name in ("data", "width", "depth", "resolution"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ValueError(f"The value of `{name}` is {value}, but must be in (0, 1]; 1 is full fidelity.")

    @property
    def cost(self) -> float:
        """Epochs of full training that cost as much, roughly: epochs x data x width^2 x depth x resolution^2."""
        return self.epochs * self.cost_an_epoch

    @property
    def cost_an_epoch(self) -> float:
        """What an epoch costs, roughly, in epochs of full training."""
        return self.data * self.width**2 * self.depth * self.resolution**2

    @property
    def words(self) -> str:
        """What it is, naming only what is less than full: `8 epochs, 25 % of the images`."""
        parts = {
            "of the images": self.data,
            "of the width": self.width,
            "of the depth": self.depth,
            "of the resolution": self.resolution,
        }
        less = [f"{100 * share:.3g} % {what}" for what, share in parts.items() if share < 1]
        return ", ".join([f"{self.epochs} epoch{'s' if self.epochs > 1 else ''}", *less])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FromScratch:
    """A training begins with fresh weights."""


@dataclass(frozen=True, slots=True)
class GoesOn:
    """A training goes on with that of a trial: with its weights, its optimizer and its place in the schedule."""

    trial: str
    """Id of the trial, of the same architecture."""
    epochs: int
    """Epochs that it has had, >= 1."""


@dataclass(frozen=True, slots=True)
class Inherits:
    """A training begins with the weights of a trial, as far as they fit, and with a fresh optimizer."""

    trial: str
    """Id of the trial."""


Origin = FromScratch | GoesOn | Inherits
"""What the training of a proposal begins with."""

FROM_SCRATCH = FromScratch()


def origin_to_dict(origin: Origin) -> dict[str, Any] | None:
    """Return the JSON form of an origin; null is from scratch."""
    match origin:
        case GoesOn(trial, epochs):
            return {"goes_on": trial, "epochs": epochs}
        case Inherits(trial):
            return {"inherits": trial}
        case FromScratch():
            return None


def origin_from_dict(raw: Mapping[str, Any] | None) -> Origin:
    """Read the JSON form of an origin."""
    if raw is None:
        return FROM_SCRATCH
    return GoesOn(raw["goes_on"], raw["epochs"]) if "goes_on" in raw else Inherits(raw["inherits"])


@dataclass(frozen=True, slots=True)
class Proposal:
    """An architecture that a strategy wants measured, and how."""

    architecture: Architecture
    """What to measure."""
    fidelity: Fidelity
    """How much to spend on it."""
    origin: Origin = FROM_SCRATCH
    """What its training begins with."""
    reason: str = ""
    """Why the strategy made it, in a few words, for people."""
    number: int = 0
    """Its place among all the proposals of its search, from 0."""
    round: int = 0
    """The round that it was proposed in, from 0."""
    seen: int = 0
    """How many trials the strategy knew when it made it; those proposed before and not among them were running for it."""

    def __post_init__(self) -> None:
        if isinstance(self.origin, GoesOn) and not 1 <= self.origin.epochs < self.fidelity.epochs:
            raise ValueError(f"A training of {self.fidelity.epochs} epochs can't go on after {self.origin.epochs}.")

    @property
    def epochs_before(self) -> int:
        """The epochs that the trial has had which it goes on from; they are paid for."""
        return self.origin.epochs if isinstance(self.origin, GoesOn) else 0

    @property
    def cost(self) -> float:
        """What it costs, roughly, in epochs of full training."""
        return (self.fidelity.epochs - self.epochs_before) * self.fidelity.cost_an_epoch

    @property
    def id(self) -> str:
        """A short id of what is to be measured: architecture, fidelity and origin."""
        f = self.fidelity
        what = (f.epochs, float(f.data), float(f.width), float(f.depth), float(f.resolution), origin_to_dict(self.origin))
        return digest(f"{self.architecture.id}{what!r}")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "architecture": self.architecture.to_dict(),
            "fidelity": self.fidelity.to_dict(),
            "origin": origin_to_dict(self.origin),
            "reason": self.reason,
            "number": self.number,
            "round": self.round,
            "seen": self.seen,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(
            Architecture.from_dict(raw["architecture"]),
            Fidelity(**raw["fidelity"]),
            origin_from_dict(raw["origin"]),
            raw["reason"],
            raw["number"],
            raw["round"],
            raw["seen"],
        )


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
