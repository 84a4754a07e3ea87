"""The metrics of a trial: what there is to measure, and which way is better."""

import math
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
"""Every metric that a trial may have."""

SPREAD = "latency_spread_s"
"""Beside `latency_s`: half of the range of its repeated measurements, in seconds. It tells noise from difference, and is no
metric to search by."""


def metrics_to_dict(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Write metrics for JSON; one that is not finite is null there."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def metrics_from_dict(raw: Mapping[str, float | None]) -> dict[str, float]:
    """Read metrics from JSON."""
    return {name: math.nan if value is None else value for name, value in raw.items()}
