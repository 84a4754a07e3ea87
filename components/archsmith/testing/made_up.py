"""Searches that never ran: made-up trials in a store, for what only looks at them."""

import io
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import orjson
from PIL import Image

from archsmith.search import Search, parse
from archsmith.selection import select
from archsmith.steps.finished import end
from archsmith.stores.folder import SearchFolder
from archsmith.stores.rounds import encode_segment
from archsmith.stores.segments import blocks
from archsmith.stores.store import Store
from archsmith.values import EpochRecord, Proposal, Trial
from archsmith.values.data_facts import DataFacts
from archsmith.values.metrics import METRICS
from archsmith.values.outcome import Example, TrainedModel

BEGAN_AT = 1.79e9
"""When the first trial of each began, in seconds since the epoch of Unix."""

CLASSES = tuple("0123456789")

_LONGEST = 4096
"""Rounds of the longest segment; a power of two."""

Change = Callable[[Trial, np.random.Generator], Trial]
"""Makes something else of a trial that was made up."""


def made_up(store: Store, text: str, n: int, *, seed: int = 0, change: Change | None = None, first: int = 0) -> SearchFolder:
    """Write a search with so many trials, all of which have ended.

    Args:
        store: Where to.
        text: Its file.
        n: How many trials it has in the end.
        seed: Of what is drawn.
        change: Makes something else of some trials: failed ones, children, such that were stopped.
        first: How many it has already.
    """
    search = parse(text)
    folder = SearchFolder(store, search.name)
    if not first:
        folder.write_search(text)
        facts = DataFacts((1, 8, 8), CLASSES, dict.fromkeys(("train", "validation", "test"), (100,) * 10))
        folder.write_json("space.json", {"id": f"made-up-{search.name}-{seed}", "data": facts.to_dict()})
    trials = _distinct(search, range(first, n), seed)
    if change:
        trials = [change(trial, np.random.default_rng([seed, 1, k])) for k, trial in enumerate(trials, start=first)]
    for block in blocks(first, n, _LONGEST):
        folder.put(block.name, encode_segment(trials[block.first - first : block.last + 1 - first]))
    return folder


def _distinct(search: Search, numbers: range, seed: int) -> list[Trial]:
    """Make trials up of which no two measure the same, as those of a strategy don't."""
    trials: dict[str, Trial] = {}
    for number in numbers:
        made = (made_trial(search, number, seed, attempt) for attempt in itertools.count())
        trial = next(t for t in made if t.id not in trials)
        trials[trial.id] = trial
    return list(trials.values())


def made_trial(search: Search, number: int, seed: int = 0, attempt: int = 0) -> Trial:
    """Make a trial up: the more often one makes the last choice of its decisions, the better it is."""
    rng = np.random.default_rng([seed, number, attempt])
    architecture = search.space.sample(rng)
    taste = [
        list(d.choices).index(c) / len(d.choices)
        for d, c in zip(search.space.decisions, architecture.choices, strict=True)
        if c is not None
    ]
    accuracy = float(np.clip(0.55 + 0.5 * np.mean(taste) + 0.1 * (1 - math.exp(-number / 100)) + rng.normal(0, 0.02), 0.1, 0.995))
    fidelity = search.estimation.fidelity
    curve = tuple(
        EpochRecord(e, 10 * e, 2 / e, 2.2 / e, accuracy * (1 - math.exp(-3.0 * e / fidelity.epochs)) / 0.9502, 2.0 * e)
        for e in range(1, fidelity.epochs + 1)
    )
    metrics = {
        "accuracy": curve[-1].val_accuracy, "loss": 1 - accuracy, "n_params": float(rng.integers(1_000, 40_000)),
        "flops": float(rng.integers(100_000, 5_000_000)), "latency_s": float(rng.uniform(1e-4, 3e-3)), "latency_spread_s": 1e-5,
        "peak_memory_mb": 1.5,
    }  # fmt: skip
    proposal = Proposal(architecture, fidelity, reason="made up", number=number, round=number, seen=number)
    seconds = 2.0 * fidelity.epochs
    return Trial(proposal, "complete", metrics, curve, None, seconds, BEGAN_AT + (number + 1) * seconds, 0, "cpu")


def finish(folder: SearchFolder, search: Search, classes: Sequence[str] = CLASSES) -> TrainedModel | None:
    """Select the winner of a search, publish it with test images, and end the search."""
    history = folder.history()
    selection = select(history, search.spec.objectives, search.estimation.fidelity, search.spec.retrain)
    folder.write_json("selection.json", selection.to_dict())
    winner = next((t for t in history if t.id == selection.winner), None)
    model = None
    if winner is not None:
        model = _model(winner, classes)
        for name in ("model.pt2", "model.onnx", "architecture.json"):
            folder.put(f"best/{name}", f"{search.name} {name}".encode())
        folder.write_json("best/model.json", {"recipe": "made up", "model": model.to_dict()})
        folder.put("best/examples.json", orjson.dumps([_example(k, len(classes)).to_dict() for k in range(6)]))
    folder.put("report/index.html", b"<!doctype html><title>made up</title><p>A report that was made up.</p>")
    end(folder, search)
    return model


def _model(winner: Trial, classes: Sequence[str]) -> TrainedModel:
    n = len(classes)
    confusion = tuple(tuple(90 if i == j else 2 * ((i + j) % 3 == 0) for j in range(n)) for i in range(n))
    metrics = {"test_accuracy": 0.9, "test_loss": 0.3, "val_accuracy": 0.92, "val_loss": 0.25}
    costs = {m: v for m, v in winner.metrics.items() if m in METRICS and m not in {"accuracy", "loss"}}
    epochs = len(winner.curve)
    return TrainedModel(
        winner.id, winner.proposal.architecture, epochs, epochs, {**metrics, **costs}, winner.curve, 60.0, 0, "cpu",
        tuple(classes), (1, 8, 8), {"pt2": 0.0, "onnx": 1e-7}, confusion,
    )  # fmt: skip


def _example(k: int, n: int) -> Example:
    """Make a test image up; each second one is taken for another class."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(k).integers(0, 255, (8, 8), dtype=np.uint8)).save(buffer, "PNG")
    return Example(buffer.getvalue(), k % n, (k + k % 2) % n, 0.9 - k / 20)


def with_status(trial: Trial, error: str) -> Trial:
    """Return a trial that has failed in the place of one that has not."""
    return replace(trial, status="failed", error=error, metrics={}, curve=trial.curve[:2])
