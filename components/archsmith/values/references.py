"""What a search was worth: its winner beside simple networks that were trained as it was, on the same test images."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

from archsmith.values.metrics import metrics_from_dict, metrics_to_dict
from archsmith.values.outcome import TRAINED
from archsmith.values.promotion import Paired
from archsmith.values.trials import EpochRecord, curve_from_rows, curve_to_rows

ReferenceName = Literal["linear", "residual"]

REFERENCES: tuple[ReferenceName, ...] = get_args(ReferenceName)
"""The simple networks, the cheapest first."""

CALLED: Mapping[ReferenceName, str] = {"linear": "a linear model on the pixels", "residual": "a small residual network"}
"""What people call them."""

Verdict = Literal["better", "alike", "worse"]
"""How a winner compares with a reference; `alike` where the difference is no more than its standard error."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A simple network, trained as the winner was, tested once and exported."""

    name: ReferenceName
    """Which one."""
    network: str
    """What it is, for people: `3 stages of 1 residual block, 8 to 32 channels`."""
    wanted: int
    """Epochs that the winner had."""
    epochs: int
    """Epochs of training: as many, or those for which there was time, which is that of the winner's training."""
    best_epoch: int
    """The epoch, from 1, whose weights were kept: the one of the highest validation accuracy."""
    metrics: Mapping[str, float]
    """As `TrainedModel.metrics`."""
    curve: tuple[EpochRecord, ...]
    """One record an epoch."""
    seconds: float
    """Seconds of training, interruptions not counted."""
    seed: int
    """Seed of weights, batches and augmentation."""
    device: str
    """Where it was trained."""
    agreement: Mapping[str, float]
    """Largest absolute difference of logits between the network and each of its exports: `pt2`, `onnx`."""

    def __post_init__(self) -> None:
        if self.name not in REFERENCES or not 0 <= self.metrics["test_accuracy"] <= 1:
            raise ValueError(f"No reference is called {self.name!r}, or its test accuracy is no share.")
        if missing := [name for name in TRAINED if name not in self.metrics]:
            raise KeyError(missing[0])

    @property
    def words(self) -> str:
        """What it is called, and how large it is: `a small residual network of 61,000 parameters`."""
        size = f" of {self.metrics['n_params']:,.0f} parameters" if self.name == "residual" else ""
        time = f" (there was time for {self.epochs} of {self.wanted} epochs)" if self.epochs < self.wanted else ""
        return f"{CALLED[self.name]}{size}{time}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "network": self.network,
            "wanted": self.wanted,
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "metrics": metrics_to_dict(self.metrics),
            "curve": curve_to_rows(self.curve),
            "seconds": self.seconds,
            "seed": self.seed,
            "device": self.device,
            "agreement": dict(self.agreement),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(
            raw["name"], str(raw["network"]), int(raw["wanted"]), int(raw["epochs"]), int(raw["best_epoch"]),
            metrics_from_dict(raw["metrics"]), curve_from_rows(raw["curve"]), float(raw["seconds"]), int(raw["seed"]),
            str(raw["device"]), metrics_from_dict(raw["agreement"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much a winner knows more of the test images than a reference."""

    n: int
    """Test images, >= 1."""
    winner: int
    """Those that the winner knows."""
    reference: int
    """Those that the reference knows."""
    gained: int | None = None
    """Those that the winner knows and the reference does not; None where nobody has noted which images the winner knows."""

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.winner <= self.n or not 0 <= self.reference <= self.n:
            raise ValueError(f"Two networks know parts of at least one image, but these are {self}.")
        if self.gained is not None:
            Paired(self.n, self.winner, self.reference, self.gained)

    @property
    def difference(self) -> float:
        """By how much the share that the winner knows is larger, in [-1, 1]."""
        return (self.winner - self.reference) / self.n

    @property
    def binomial_error(self) -> float:
        """Standard error of the difference, were the two tested on different images: the root of the sum of p (1 - p) / n."""
        return math.sqrt(sum(k * (self.n - k) for k in (self.winner, self.reference)) / self.n**3)

    @property
    def paired_error(self) -> float | None:
        """Standard error of the difference on the same images; None where it is not known which of them the winner knows."""
        return None if self.gained is None else Paired(self.n, self.winner, self.reference, self.gained).error

    @property
    def error(self) -> float:
        """Standard error of the difference: the paired one where it is known, else the binomial one."""
        paired = self.paired_error
        return self.binomial_error if paired is None else paired

    @property
    def verdict(self) -> Verdict:
        """How the two compare: by more than a standard error, or alike."""
        difference, error = self.difference, self.error
        if abs(difference) <= error or math.isclose(abs(difference), error):
            return "alike"
        return "better" if difference > 0 else "worse"

    @property
    def points(self) -> str:
        """The difference in points with its standard error, as what a reference is named after: `2.1 points (± 0.6) above`."""
        if not self.difference:
            return f"level (± {100 * self.error:.1f} points) with"
        return f"{100 * abs(self.difference):.1f} points (± {100 * self.error:.1f}) {'above' if self.difference > 0 else 'below'}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with what follows from it for programs that read it."""
        return {
            "n": self.n,
            "winner": self.winner,
            "reference": self.reference,
            "gained": self.gained,
            "difference": self.difference,
            "binomial_error": self.binomial_error,
            "paired_error": self.paired_error,
            "verdict": self.verdict,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(raw["n"], raw["winner"], raw["reference"], raw["gained"])


@dataclass(frozen=True, slots=True)
class Held:
    """A winner, held to a reference."""

    reference: Reference
    """The reference."""
    gain: Gain
    """How the two compare."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"reference": self.reference.to_dict(), "gain": self.gain.to_dict()}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(Reference.from_dict(raw["reference"]), Gain.from_dict(raw["gain"]))


@dataclass(frozen=True, slots=True)
class Worth:
    """What a search was worth: its winner, held to every reference that could be trained."""

    held: tuple[Held, ...] = ()
    """Those that it was held to, in the order of `REFERENCES`."""
    failed: Mapping[ReferenceName, str] = field(default_factory=dict)
    """Why the others have failed, by their names."""

    @property
    def ranked(self) -> tuple[Held, ...]:
        """Those that it was held to, the one that knows most of the test images first."""
        return tuple(sorted(self.held, key=lambda held: -held.gain.reference))

    @property
    def best(self) -> Held | None:
        """The reference that knows most of the test images; None where all have failed."""
        return next(iter(self.ranked), None)

    @property
    def gained(self) -> bool | None:
        """Whether the winner is better than every reference, by more than a standard error; None where all have failed."""
        return all(held.gain.verdict == "better" for held in self.held) if self.held else None

    @property
    def unbeaten(self) -> tuple[Held, ...]:
        """The references that the winner is not better than, the best first."""
        return tuple(held for held in self.ranked if held.gain.verdict != "better")

    @property
    def line(self) -> str:
        """What the search has gained, in a line: by how much its winner is above which reference, the best first."""
        return "; ".join(f"{held.gain.points} {held.reference.words}" for held in self.ranked)

    def advice(self, root: str = "") -> tuple[str, ...]:
        """Say of each reference that was not beaten that it was not, and where it lies; two sentences each.

        Args:
            root: What the places begin with; left out, they are those in the search's folder.
        """
        return tuple(f"{_unbeaten(held)} It lies in {root}{place_of(held.reference.name)}." for held in self.unbeaten)

    @property
    def failures(self) -> tuple[str, ...]:
        """Say which references have failed, and why; a sentence each."""
        return tuple(f"{CALLED[name].capitalize()} could not be trained: {why}" for name, why in self.failed.items())

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"held": [held.to_dict() for held in self.held], "failed": dict(self.failed), "gained": self.gained}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        failed = {name: str(raw["failed"][name]) for name in REFERENCES if name in raw["failed"]}
        return cls(tuple(Held.from_dict(held) for held in raw["held"]), failed)


def place_of(name: ReferenceName) -> str:
    """Return the folder, in that of the search, in which a reference has its files."""
    return f"references/{name}"


def _unbeaten(held: Held) -> str:
    """Say that a winner is not better than a reference."""
    words, gain = held.reference.words, held.gain
    if gain.verdict == "worse":
        return (
            f"The search was not worth it: {words}, trained in the same way, knows more of the test images than its winner does."
        )
    return f"The winner can't be told from {words}, trained in the same way: they differ by no more than chance would make them."
