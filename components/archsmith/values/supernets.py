"""What is recorded of the training of shared weights: a value an epoch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from archsmith.values.proposals import Architecture

Probabilities = Mapping[str, Mapping[str, float]]
"""Of each point at which a network chooses, by its name: the probability of each of its options, by the option's name."""


@dataclass(frozen=True, slots=True)
class SupernetEpoch:
    """An epoch of the training of shared weights, and what would be derived after it."""

    epoch: int
    """Its number, from 1."""
    step: int
    """Steps of the weights so far."""
    train_loss: float
    """Mean loss over the epoch's steps, of what was trained in each: a path, or the mixture."""
    seconds: float
    """Seconds so far, interruptions not counted."""
    val_loss: float = math.nan
    """Validation loss, with shared weights, of what would be derived now; NaN where nothing is derived before the end."""
    val_accuracy: float = math.nan
    """Validation accuracy, with shared weights, of the same."""
    probabilities: Probabilities = field(default_factory=dict)
    """How probable each option is by now; empty where none is preferred to another, as in uniform sampling."""
    temperature: float | None = None
    """Temperature of the choices, where the method has one."""
    eigenvalue: float | None = None
    """Largest eigenvalue of the Hessian of the validation loss by the choices' parameters, where asked for."""
    derived: Architecture | None = None
    """What would be derived now."""

    @property
    def entropy(self) -> float | None:
        """Mean entropy of the points' probabilities, as a share of that of equal ones, in [0, 1]; None where there are none."""
        shares = [_entropy(tuple(options.values())) for options in self.probabilities.values() if len(options) > 1]
        return math.fsum(shares) / len(shares) if shares else None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; a value that is not finite is null."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "train_loss": _finite(self.train_loss),
            "seconds": self.seconds,
            "val_loss": _finite(self.val_loss),
            "val_accuracy": _finite(self.val_accuracy),
            "probabilities": {point: dict(options) for point, options in self.probabilities.items()},
            "temperature": self.temperature,
            "eigenvalue": self.eigenvalue,
            "derived": self.derived.to_dict() if self.derived else None,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(
            raw["epoch"],
            raw["step"],
            _number(raw["train_loss"]),
            raw["seconds"],
            _number(raw["val_loss"]),
            _number(raw["val_accuracy"]),
            {point: dict(options) for point, options in raw["probabilities"].items()},
            raw["temperature"],
            raw["eigenvalue"],
            Architecture.from_dict(raw["derived"]) if raw["derived"] else None,
        )


def _entropy(probabilities: tuple[float, ...]) -> float:
    return -math.fsum(p * math.log(p) for p in probabilities if p > 0) / math.log(len(probabilities))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else value
