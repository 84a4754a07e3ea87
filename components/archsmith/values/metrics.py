"""The metrics of a trial: what there is to measure, and which way is better."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Goal = Literal["maximize", "minimize"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric of a trial means."""

    goal: Goal
    """Which direction is better."""
    unit: str
    """Its unit, empty where it has none."""
    doc: str
    """What is measured, and on what."""


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric("maximize", "", "share of the validation images classified correctly, at the trial's fidelity"),
    "loss": Metric("minimize", "nat", "mean cross-entropy on the validation images, at the trial's fidelity"),
    "n_params": Metric("minimize", "", "trainable parameters of the network at full fidelity"),
    "flops": Metric("minimize", "multiply-add", "multiply-adds of one image through the network at full fidelity"),
    "latency_s": Metric("minimize", "s", "median time of one image through the network at full fidelity; on one thread of a CPU"),
    "peak_memory_mb": Metric("minimize", "MB", "most that weights and activations of one image take at once, at full fidelity"),
}
"""Every metric that Archsmith measures; a table may have more, with names of its own."""

STATIC = frozenset({"n_params", "flops"})
"""Those that a network has before it is trained, whatever it runs on."""

OF_THE_NETWORK = frozenset({"n_params", "flops", "latency_s", "peak_memory_mb"})
"""Metrics of the network at full fidelity: the same at any fidelity of its training, or without any."""

OWN = r"^[a-z][a-z0-9_]{0,62}$"
"""What the name of a metric of one's own is like: lower case letters, digits and underscores."""

TAKEN = frozenset({
    "id", "number", "round", "status", "reason", "error", "seconds", "trials", "trials_failed", "trials_stopped",
    "train_loss", "val_loss", "val_accuracy", "latency_spread_s",
})  # fmt: skip
"""What else is known of a trial, in its row of `Result.trials` or in MLflow, so that no metric may have the name."""


def check_own(name: str) -> None:
    """Raise `ValueError` where a metric of one's own can't be called this."""
    if not re.fullmatch(OWN, name):
        raise ValueError(
            f"the metric is called {name!r}, but must begin with a lower case letter and have lower case letters, digits and "
            "underscores only, at most 63"
        )
    if name in TAKEN or name.startswith("test_"):
        raise ValueError(f"the metric can't be called {name!r}, as a trial has something else of that name; add a word to it")


def test_of(metric: str) -> str:
    """Return what the value of a metric on test images is called."""
    return f"test_{metric}"


SPREAD = "latency_spread_s"
"""Beside `latency_s`: half of the range of its repeated measurements, in seconds. It tells noise from difference, and is no
metric to search by."""


def metrics_to_dict(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Write metrics for JSON; one that is not finite is null there."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def metrics_from_dict(raw: Mapping[str, float | None]) -> dict[str, float]:
    """Read metrics from JSON; raises `TypeError` where one is no number."""
    if wrong := [name for name, value in raw.items() if not isinstance(value, int | float | None)]:
        raise TypeError(f"{wrong[0]!r} is no number")
    return {name: math.nan if value is None else value for name, value in raw.items()}
