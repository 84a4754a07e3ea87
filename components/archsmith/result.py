"""What a search has led to, for Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from archsmith.search import Search
from archsmith.snapshot import Snapshot
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture, TrainedModel

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


@dataclass(frozen=True)
class Best:
    """The winner."""

    trained: TrainedModel
    """How it was trained, and what it reaches."""
    folder: SearchFolder
    """Where it lies."""

    @property
    def architecture(self) -> Architecture:
        """Its architecture."""
        return self.trained.architecture

    @property
    def metrics(self) -> Mapping[str, float]:
        """What it reaches: `test_accuracy`, `n_params` and so on."""
        return self.trained.metrics

    def model(self) -> "nn.Module":
        """Load the trained network: (B, C, H, W) in [0, 1] -> logits, (B, n_classes)."""
        import io

        import torch

        return torch.export.load(io.BytesIO(self.folder.get("best/model.pt2"))).module()


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
        """The winner; raises `NoWinnerError` where there is none."""
        from archsmith.errors import NoWinnerError

        if self.snapshot.model is None:
            raise NoWinnerError(f"The search {self.search.name!r} has no trained winner: {self.snapshot.selection.reason}.")
        return Best(self.snapshot.model, self.folder)

    @property
    def report(self) -> str:
        """Where the report lies."""
        return self.folder.uri("report/index.html")

    def _repr_html_(self) -> str:
        """Show the leaderboard in a notebook."""
        columns = [c for c in ("number", "status", "accuracy", "n_params", "flops", "latency_s", "seconds") if c in self.trials]
        table = self.trials.sort_values("accuracy", ascending=False) if "accuracy" in self.trials else self.trials
        return str(table[columns].head(10).to_html(index=False))
