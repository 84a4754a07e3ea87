"""Real trainings on the digits, each made once: what `digits_strategies.py` and `digits_joint.py` stand on."""

import math
import sqlite3
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archsmith.evaluation.data import load
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.train import TrainEstimator
from archsmith.spaces.space import Space
from archsmith.spec import DataSpec, Objective, TrainingSpec
from archsmith.testing.estimators import MemoryCheckpoints
from archsmith.values import Proposal, Trial

DATA = DataSpec(name="digits", validation=0.5)
"""As many images to validate with as to train with: a finer measure, and harder to make good."""
OBJECTIVES = (Objective(metric="accuracy", goal="maximize"),)
Measure = Callable[[Proposal], Trial]


def cache(file: Path, table: str) -> sqlite3.Connection:
    """Open the file in which trainings are kept, for several processes at once; `table` is its table's name and columns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=60, isolation_level=None)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table}")
    return connection


def estimator(space: Space, training: TrainingSpec, **settings: Any) -> TrainEstimator:
    """Make what trains on them."""
    device = choose_device(gpu=0, fallback="cpu")
    return TrainEstimator(load(DATA, seed=0), space, training, device, MemoryCheckpoints(), math.inf, 0, **settings)


def known(proposal: Proposal, accuracy: float | None) -> Trial:
    """Return the trial of what was trained before; without an accuracy, it had diverged."""
    if accuracy is None:
        return Trial(proposal, "failed", error="DivergedError: as it was when it was trained")
    return Trial(proposal, "complete", {"accuracy": accuracy})


def mean(values: list[float]) -> dict[str, float]:
    """Return the mean and its standard error."""
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return {"mean": round(statistics.mean(values), 5), "standard_error": round(error, 5)}
