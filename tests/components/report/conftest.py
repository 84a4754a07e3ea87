"""Made-up searches for the tests of the report."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from archsmith.report import ReportData
from archsmith.spaces.chain import ChainConfig
from archsmith.spec import SearchSpec
from archsmith.values import EpochRecord, Fidelity, History, Proposal, Trial
from archsmith.values.outcome import Selection, TrainedModel

SPACE = ChainConfig().build()

Search = Callable[..., ReportData]


def _trial(number: int, rng: np.random.Generator, **changes: Any) -> Trial:
    accuracy = float(rng.uniform(0.6, 0.95))
    curve = tuple(EpochRecord(e, 10 * e, 1.0 / e, 1.2 / e, accuracy * e / 4, float(e)) for e in range(1, 5))
    metrics = {
        "accuracy": accuracy,
        "loss": 1 - accuracy,
        "n_params": float(rng.integers(1_000, 500_000)),
        "flops": float(rng.integers(100_000, 50_000_000)),
        "latency_s": float(rng.uniform(1e-4, 1e-2)),
    }
    proposal = Proposal(SPACE.sample(rng), Fidelity(4, data=0.5), number=number, round=number // 8)
    fields = {"status": "complete", "metrics": metrics, "curve": curve, "seconds": 5.0, "finished_at": 1e9 + 5.0 * (number + 1)}
    return Trial(**{"proposal": proposal, **fields, **changes})


def _failed(number: int, rng: np.random.Generator, error: str) -> Trial:
    return _trial(number, rng, status="failed", error=error, metrics={}, curve=())


def _model(trial: Trial, classes: Sequence[str]) -> TrainedModel:
    metrics = {"test_accuracy": 0.9137, "val_accuracy": 0.92, "n_params": 1234.0, "flops": 5e6, "latency_s": 1e-3}
    curve = tuple(EpochRecord(e, e, 1 / e, 2 / e, 1 - 1 / (e + 1), float(e)) for e in range(1, 7))
    agreement = {"pt2": 0.0, "onnx": 1e-6}
    return TrainedModel(
        trial.id, trial.proposal.architecture, 6, 5, metrics, curve, 60.0, 0, "cpu", tuple(classes), (3, 32, 24), agreement,
        tuple(tuple(30 if i == j else (i + j) % 3 for j in range(len(classes))) for i in range(len(classes))),
    )  # fmt: skip


@pytest.fixture(scope="session")
def search() -> Search:
    """Make a search: `n` complete trials, one failed trial an error, and others as they are given."""

    def make(
        n: int = 12,
        errors: Sequence[str] = (),
        others: Sequence[Trial] = (),
        *,
        name: str = "digits-chain",
        objectives: Sequence[dict[str, Any]] = ({"metric": "accuracy", "goal": "maximize"},),
        trained: bool = True,
        classes: Sequence[str] = ("cat", "dog"),
        places: dict[str, str] | None = None,
        **more: Any,
    ) -> ReportData:
        rng = np.random.default_rng(7)
        trials = [*others, *(_trial(100 + i, rng) for i in range(n)), *(_failed(900 + i, rng, e) for i, e in enumerate(errors))]
        raw = {"data": {"name": "digits"}, "space": {"name": "chain"}, "objectives": tuple(objectives), "budget": {"trials": 40}}
        found = [t for t in trials if t.status != "failed"]
        best = max(found, key=lambda t: t.metrics.get("accuracy", -math.inf), default=None)
        return ReportData(
            name,
            SearchSpec.model_validate(raw, strict=False),
            SPACE,
            History.of(trials),
            Selection(best.id, (best.id,), "the highest accuracy") if best else Selection(None, (), "No trial is complete."),
            _model(best, classes) if best and trained else None,
            {"model": "/runs/best/model.pt2", "onnx": "/runs/best/model.onnx"} if places is None else places,
            **more,
        )

    return make


@pytest.fixture
def trial() -> Callable[..., Trial]:
    """Make a trial with a number and whatever is to be different in it."""
    return lambda number, **changes: _trial(number, np.random.default_rng(number), **changes)
