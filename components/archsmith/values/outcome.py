"""What a search leads to: the selected trial, and what is known of it once it is trained, or looked up.

Frozen values that go to JSON and back unchanged, as those of `archsmith.values` do.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from archsmith.values.metrics import metrics_from_dict, metrics_to_dict
from archsmith.values.proposals import Architecture, digest
from archsmith.values.trials import EpochRecord, Stop, Trial, curve_from_rows, curve_to_rows

TRAINED = ("test_accuracy", "n_params", "flops", "latency_s")
"""Metrics that every trained model has."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the search found: the winner, and the front that it was taken from."""

    winner: str | None
    """Id of the trial that is retrained; None where no trial is complete and within the limits."""
    front: tuple[str, ...] = ()
    """Ids of the trials that no other one beats in all objectives, best first objective first."""
    reason: str = ""
    """Why the winner won, or why there is none, for people."""
    others: tuple[str, ...] = ()
    """Ids of the trials that are to be trained in full beside the winner."""

    @property
    def retrained(self) -> tuple[str, ...]:
        """Ids of all trials that are to be trained in full, the winner first."""
        return () if self.winner is None else (self.winner, *self.others)

    def place(self, trial: str) -> str:
        """Return the folder, in that of the search, in which a trial that is trained in full has its files."""
        return "best" if trial == self.winner else f"front/{trial}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"winner": self.winner, "front": list(self.front), "reason": self.reason, "others": list(self.others)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form; raises `TypeError` where an id is none."""
        winner, front, others = raw["winner"], tuple(raw["front"]), tuple(raw.get("others", ()))
        if not all(isinstance(trial, str) for trial in (winner or "", *front, *others)):
            raise TypeError("the id of a trial is no text")
        return cls(winner, front, raw["reason"], others)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """The winner, trained in full, tested once and exported."""

    trial: str
    """Id of the trial that it comes from."""
    architecture: Architecture
    """What was trained."""
    epochs: int
    """Epochs of training."""
    best_epoch: int
    """The epoch, from 1, whose weights were kept: the one of the highest validation accuracy."""
    metrics: Mapping[str, float]
    """`test_accuracy`, `test_loss`, `val_accuracy`, `val_loss`, and what the network costs, as a trial has it."""
    curve: tuple[EpochRecord, ...]
    """One record an epoch."""
    seconds: float
    """Seconds of training, interruptions not counted."""
    seed: int
    """Seed of weights, batches and augmentation."""
    device: str
    """Where it was trained."""
    classes: tuple[str, ...]
    """Names of the classes, in the order of the model's outputs."""
    input_shape: tuple[int, int, int]
    """Channels, height and width of an input image, whose values are in [0, 1]."""
    agreement: Mapping[str, float]
    """Largest absolute difference of logits between the model and each of its exports: `pt2`, `onnx`."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """Test images by their class (rows) and by what the model takes them for (columns); empty in models of earlier versions."""

    @property
    def mark(self) -> str:
        """What tells it from any other model, as what was noted of it is of no other one."""
        return digest(json.dumps(self.to_dict(), sort_keys=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "trial": self.trial,
            "architecture": self.architecture.to_dict(),
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "metrics": metrics_to_dict(self.metrics),
            "curve": curve_to_rows(self.curve),
            "seconds": self.seconds,
            "seed": self.seed,
            "device": self.device,
            "classes": list(self.classes),
            "input_shape": list(self.input_shape),
            "agreement": dict(self.agreement),
            "confusion": [list(row) for row in self.confusion],
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form; raises `KeyError` where a metric is missing that every trained model has."""
        if missing := [name for name in TRAINED if name not in raw["metrics"]]:
            raise KeyError(missing[0])
        return cls(
            raw["trial"],
            Architecture.from_dict(raw["architecture"]),
            raw["epochs"],
            raw["best_epoch"],
            metrics_from_dict(raw["metrics"]),
            curve_from_rows(raw["curve"]),
            raw["seconds"],
            raw["seed"],
            raw["device"],
            tuple(raw["classes"]),
            tuple(raw["input_shape"]),
            metrics_from_dict(raw["agreement"]),
            tuple(tuple(row) for row in raw.get("confusion", ())),
        )


@dataclass(frozen=True, slots=True)
class Example:
    """A test image, and what the trained model made of it."""

    png: bytes
    """The image, no larger than is needed to look at it."""
    label: int
    """Its class, as a position in `TrainedModel.classes`."""
    predicted: int
    """The class that the model found most probable."""
    probability: float
    """That class' probability, in [0, 1]."""

    @property
    def right(self) -> bool:
        """Whether the model knows it."""
        return self.label == self.predicted

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "png": b64encode(self.png).decode(),
            "label": self.label,
            "predicted": self.predicted,
            "probability": self.probability,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(b64decode(raw["png"]), raw["label"], raw["predicted"], raw["probability"])


@dataclass(frozen=True, slots=True)
class UntrainedWinner:
    """What is known of the winner on test images where nothing is trained: a table of measurements says it."""

    trial: str
    """Id of the trial that won."""
    architecture: Architecture
    """Its architecture."""
    metrics: Mapping[str, float]
    """`test_accuracy`; empty where even that is not known."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"trial": self.trial, "architecture": self.architecture.to_dict(), "metrics": metrics_to_dict(self.metrics)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(raw["trial"], Architecture.from_dict(raw["architecture"]), metrics_from_dict(raw["metrics"]))


@dataclass(frozen=True, slots=True)
class Foretold:
    """What was expected of a trial that was spared, and what came."""

    trial: Trial
    """The trial, which went to its end."""
    stop: Stop
    """Where it would have ended, and what was expected then."""
    came: float
    """What it came to, of the same metric."""
