"""What is to be measured: architectures, fidelities, where a training begins, and the proposals that are made of them.

All of them are frozen, compare by value, and go to JSON and back unchanged.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

Choice = str | int | float | bool
"""One alternative of a decision."""


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
    _id: str = field(default="", init=False, compare=False, repr=False)

    @property
    def id(self) -> str:
        """A short id: 12 hexadecimal digits, the same on every machine and in every process."""
        if not self._id:  # whoever sorts a long history asks for it again and again
            object.__setattr__(self, "_id", digest(f"{self.space}{list(self.choices)!r}"))
        return self._id

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


@dataclass(frozen=True, slots=True)
class Shared:
    """Nothing is trained: it is measured with the weights that all architectures of the space share."""


Origin = FromScratch | GoesOn | Inherits | Shared
"""What the training of a proposal begins with, or what takes its place."""

FROM_SCRATCH = FromScratch()
SHARED = Shared()

LOOK = 0.05
"""What measuring with shared weights costs, roughly, in epochs at the same fidelity: one pass over the validation images."""


def origin_to_dict(origin: Origin) -> dict[str, Any] | None:
    """Return the JSON form of an origin; null is from scratch."""
    match origin:
        case GoesOn(trial, epochs):
            return {"goes_on": trial, "epochs": epochs}
        case Inherits(trial):
            return {"inherits": trial}
        case Shared():
            return {"shared": True}
        case FromScratch():
            return None


def origin_from_dict(raw: Mapping[str, Any] | None) -> Origin:
    """Read the JSON form of an origin."""
    if raw is None:
        return FROM_SCRATCH
    if "shared" in raw:
        return SHARED
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
    _id: str = field(default="", init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.origin, GoesOn) and not 1 <= self.origin.epochs < self.fidelity.epochs:
            raise ValueError(f"A training of {self.fidelity.epochs} epochs can't go on after {self.origin.epochs}.")

    @property
    def epochs_before(self) -> int:
        """The epochs that the trial has had which it goes on from; they are paid for."""
        return self.origin.epochs if isinstance(self.origin, GoesOn) else 0

    @property
    def is_look(self) -> bool:
        """Whether it is measured with shared weights, and nothing is trained for it."""
        return isinstance(self.origin, Shared)

    @property
    def cost(self) -> float:
        """What it costs, roughly, in epochs of full training."""
        return (LOOK if self.is_look else self.fidelity.epochs - self.epochs_before) * self.fidelity.cost_an_epoch

    @property
    def id(self) -> str:
        """A short id of what is to be measured: architecture, fidelity and origin."""
        if not self._id:
            f = self.fidelity
            what = (f.epochs, float(f.data), float(f.width), float(f.depth), float(f.resolution), origin_to_dict(self.origin))
            object.__setattr__(self, "_id", digest(f"{self.architecture.id}{what!r}"))
        return self._id

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
