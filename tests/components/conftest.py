"""What tests of several rooms begin with: a search in a store, brought as far as is wanted without any training; a browser."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsmith.search import Search, parse
from archsmith.selection import select
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.browser import Page, browser
from archsmith.testing.searches import TINY
from archsmith.values import EpochRecord, Proposal, Trial
from archsmith.values.outcome import TrainedModel


@dataclass
class Staged:
    """The tiny search of `archsmith.testing`, at any point of its course."""

    store: str
    folder: SearchFolder
    search: Search

    def propose(self, n: int = 2) -> list[Proposal]:
        """Open the next round with `n` proposals."""
        round_, first = self.folder.rounds(), len(self.folder.history())
        rng = np.random.default_rng(round_)
        asked = self.search.strategy().ask(self.folder.history(), n, rng)
        proposals = [replace(p, number=first + i, round=round_) for i, p in enumerate(asked)]
        return list(self.folder.write_proposals(round_, proposals))

    def record(self, proposal: Proposal, accuracy: float | str, **changes: Any) -> Trial:
        """Record a trial with this accuracy, or with this error."""
        error = accuracy if isinstance(accuracy, str) else None
        metrics = {} if error else {"accuracy": accuracy, "loss": 1.0, "n_params": 1500 + proposal.number, "flops": 2e6,
                                    "latency_s": 0.0015, "peak_memory_mb": 300.0}  # fmt: skip
        fields: dict[str, Any] = {"curve": curve(0.1, 0.9), "seconds": 10.0, "finished_at": 1e9 + 10.0 * (proposal.number + 1)}
        trial = Trial(proposal, "failed" if error else "complete", metrics, error=error, **{**fields, **changes})
        assert self.folder.record(trial)
        return trial

    def run(self, *accuracies: float | str) -> list[Trial]:
        """Run rounds of two trials with these outcomes."""
        trials: list[Trial] = []
        for start in range(0, len(accuracies), 2):
            part = accuracies[start : start + 2]
            trials += [self.record(p, a) for p, a in zip(self.propose(len(part)), part, strict=True)]
        return trials

    def select(self) -> None:
        """Select, as the step does."""
        selection = select(
            self.folder.history(), self.search.spec.objectives, self.search.estimation.fidelity, self.search.spec.retrain
        )
        self.folder.write_json("selection.json", selection.to_dict())

    def train(self, trial: Trial) -> TrainedModel:
        """Publish the trained winner."""
        metrics = {"test_accuracy": 0.975, "n_params": 1500.0, "flops": 2e6, "latency_s": 0.0015, "val_accuracy": 0.98}
        model = TrainedModel(
            trial.id, trial.proposal.architecture, 3, 2, metrics, curve(0.5, 0.98, 0.97), 30.0, 0, "cpu",
            tuple("0123456789"), (1, 8, 8), {"pt2": 0.0, "onnx": 1e-7},
        )  # fmt: skip
        for name in ("model.pt2", "model.onnx", "architecture.json"):
            self.folder.put(f"best/{name}", b"")
        self.folder.write_json("best/model.json", {"recipe": "r", "model": model.to_dict()})
        return model

    def report(self) -> None:
        """Write the report and end the search."""
        self.folder.put("report/index.html", b"<html></html>")
        self.folder.mark(done=True)


def curve(*accuracies: float) -> tuple[EpochRecord, ...]:
    return tuple(EpochRecord(n, 5 * n, 1.0, 1.0, a, 2.0 * n) for n, a in enumerate(accuracies, start=1))


def stage(store: Path, changes: Sequence[tuple[str, str]] = ()) -> Staged:
    text = TINY
    for old, new in changes:
        text = text.replace(old, new)
    search = parse(text)
    folder = SearchFolder(open_store(str(store)), search.name)
    folder.write_search(text)
    return Staged(str(store), folder, search)


@pytest.fixture
def staged(tmp_path: Path) -> Staged:
    """A search that has just begun."""
    return stage(tmp_path / "runs")


@pytest.fixture
def staged_with(tmp_path: Path) -> Any:
    """Make a search that has just begun, with texts of its file replaced."""
    return lambda *changes: stage(tmp_path / "runs", changes)


@pytest.fixture(scope="module")
def opened_browser() -> Iterator[Page]:
    """A browser for all tests of a file: starting one takes seconds."""
    with browser() as page:
        yield page


@pytest.fixture
def window(opened_browser: Page) -> Page:
    """A wide window of the browser, which has said and asked nothing yet."""
    opened_browser.said.clear()
    opened_browser.requests.clear()
    opened_browser.size(1400, 1000)
    return opened_browser
