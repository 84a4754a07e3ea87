"""What a search has led to, for Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from archsmith.errors import NoWinnerError
from archsmith.outcome import TrainedModel, UntrainedWinner
from archsmith.search import Search
from archsmith.selection import ranked
from archsmith.snapshot import Snapshot
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


N_BEST = 10
"""Rows of a leaderboard."""


@dataclass(frozen=True)
class Best:
    """The winner, or another trial that was trained in full."""

    trained: TrainedModel
    """How it was trained, and what it reaches."""
    folder: SearchFolder
    """The search's folder."""
    place: str = "best"
    """Where the model lies in it."""

    @property
    def architecture(self) -> Architecture:
        """Its architecture."""
        return self.trained.architecture

    @property
    def metrics(self) -> Mapping[str, float]:
        """What it reaches: `test_accuracy`, `n_params` and so on."""
        return self.trained.metrics

    def model(self) -> "nn.Module":
        """Load the trained network on the CPU: (B, C, H, W), float32 in [0, 1] -> logits, (B, n_classes)."""
        from archsmith.evaluation.export import open_pt2

        return open_pt2(self.folder.get(f"{self.place}/model.pt2"))[0]


@dataclass(frozen=True)
class Result:
    """A search in its store."""

    folder: SearchFolder
    """The search's folder."""
    search: Search
    """The search."""
    store: str
    """URI of the store."""

    @cached_property
    def snapshot(self) -> Snapshot:
        """How it stands, as of the first look."""
        return Snapshot.read(self.folder, self.search)

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """All trials, a row each: number, status, the metrics, seconds, the decisions, the error."""
        import pandas as pd

        rows = [
            {
                "id": t.id,
                "number": t.proposal.number,
                "architecture": t.proposal.architecture.id,
                "round": t.proposal.round,
                "status": t.status,
                **t.metrics,
                "seconds": t.seconds,
                **self.search.space.assignment(t.proposal.architecture),
                "reason": t.proposal.reason,
                "error": t.error,
            }
            for t in self.snapshot.history
        ]
        return pd.DataFrame(rows)

    @property
    def best(self) -> Best:
        """The winner, trained in full.

        Raises:
            NoWinnerError: No trial is complete and within the limits, or the winner is not trained yet.
        """
        if (model := self.snapshot.model) is not None:
            return Best(model, self.folder)
        selection = self.snapshot.selection
        if not self.search.retrains and selection.winner is not None:
            raise NoWinnerError(f"The search {self.search.name!r} has no images to train on; `untrained` says what is known.")
        why = selection.reason if selection.winner is None else f"it is still {self.snapshot.phase}"
        raise NoWinnerError(f"The search {self.search.name!r} has no trained winner: {why}.")

    @property
    def retrained(self) -> tuple[Best, ...]:
        """All that were trained in full, the winner first; the others are what `retrain.front` and `retrain.trial` ask for."""
        snapshot = self.snapshot
        others = (Best(model, self.folder, snapshot.selection.place(trial)) for trial, model in snapshot.others.items())
        return (*([Best(snapshot.model, self.folder)] if snapshot.model else []), *others)

    @property
    def untrained(self) -> UntrainedWinner | None:
        """What is known of the winner on test images where nothing is trained, as in a search over a table."""
        return self.snapshot.untrained

    @property
    def report(self) -> str:
        """Where the report lies."""
        return self.folder.uri("report/index.html")

    def _repr_html_(self) -> str:
        """Show the leaderboard in a notebook."""
        best = [t.id for t in ranked(self.snapshot.history, self.search.spec.objectives)[:N_BEST]]
        wanted = ("number", *self.search.told_metrics, "n_params", "flops", "latency_s", "seconds")
        columns = [c for c in dict.fromkeys(wanted) if c in self.trials]
        if not best:
            return "<p>No trial is complete.</p>"
        return str(self.trials.set_index("id").loc[best, columns].to_html(index=False))
