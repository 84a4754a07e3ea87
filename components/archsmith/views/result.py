"""What a search has led to, for Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

from archsmith.errors import NoWinnerError
from archsmith.search import Search
from archsmith.selection import ranked
from archsmith.spaces.space import Space
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture, Born, Trial, words
from archsmith.values.metrics import METRICS, TAKEN
from archsmith.values.outcome import TrainedModel, UntrainedWinner
from archsmith.values.references import Gain, Reference, place_of
from archsmith.views.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


N_BEST = 10
"""Rows of a leaderboard."""


@dataclass(frozen=True, repr=False)
class Best:
    """The winner, or another trial that was trained in full."""

    trained: TrainedModel
    """How it was trained, and what it reaches."""
    folder: SearchFolder
    """The search's folder."""
    space: Space
    """The space that it is of."""
    place: str = "best"
    """Where the model lies in the folder."""

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

    def __repr__(self) -> str:
        known = ("test_accuracy", "n_params", "flops")
        said = ", ".join(f"{name} {self.metrics[name]:,.6g}" for name in known if name in self.metrics)
        return f"<Best of {self.folder.name!r}: {said}>"

    def _repr_svg_(self) -> str:
        """Show its network in a notebook."""
        return _picture(self.space, self.architecture)


@dataclass(frozen=True, repr=False)
class Baseline:
    """A simple network that the winner is held to."""

    trained: Reference
    """How it was trained, and what it reaches."""
    gain: Gain
    """By how much the winner is better."""
    folder: SearchFolder
    """The search's folder."""

    @property
    def name(self) -> str:
        """Which one: `linear` or `residual`."""
        return self.trained.name

    @property
    def metrics(self) -> Mapping[str, float]:
        """What it reaches: `test_accuracy`, `n_params` and so on."""
        return self.trained.metrics

    def model(self) -> "nn.Module":
        """Load the trained network on the CPU: (B, C, H, W), float32 in [0, 1] -> logits, (B, n_classes)."""
        from archsmith.evaluation.export import open_pt2

        return open_pt2(self.folder.get(f"{place_of(self.trained.name)}/model.pt2"))[0]

    def __repr__(self) -> str:
        reached = f"test_accuracy {self.metrics['test_accuracy']:.6g}"
        return f"<Baseline {self.trained.words}: {reached}; the winner is {self.gain.points} it>"


@dataclass(frozen=True, repr=False)
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
        """All trials, a row each: number, status, the metrics, seconds, the decisions, the error.

        A decision of a name that another column has is `decision.NAME`.
        """
        import pandas as pd

        rows = [
            {
                "id": t.id,
                "number": t.proposal.number,
                "architecture": t.proposal.architecture.id,
                "epochs": t.proposal.fidelity.epochs,
                **({} if self.search.spec.budget.rounds is None else {"round": t.proposal.round}),
                **({"weights": "shared" if t.proposal.is_look else "own"} if self.search.sharing else {}),
                **(_birth(t) if self.search.strategy_config.inherits else {}),
                "status": t.status,
                **t.metrics,
                "seconds": t.seconds,
                **{_called(name): choice for name, choice in self.search.space.assignment(t.proposal.architecture).items()},
                "reason": t.proposal.reason,
                "error": t.error,
            }
            for t in self.snapshot.history
        ]
        return pd.DataFrame(rows)

    @cached_property
    def shared(self) -> "pd.DataFrame":
        """The epochs of shared weights, a row each: losses, entropy, and in `p.POINT.OPTION` how probable each option was."""
        import pandas as pd

        rows = [
            {
                "epoch": r.epoch,
                "train_loss": r.train_loss,
                "val_loss": r.val_loss,
                "val_accuracy": r.val_accuracy,
                "entropy": r.entropy,
                "temperature": r.temperature,
                "eigenvalue": r.eigenvalue,
                "seconds": r.seconds,
                "derived": self.search.describe(r.derived) if r.derived else None,
                **{f"p.{point}.{option}": p for point, options in r.probabilities.items() for option, p in options.items()},
            }
            for r in self.snapshot.records
        ]
        return pd.DataFrame(rows)

    @property
    def best(self) -> Best:
        """The winner, trained in full.

        Raises:
            NoWinnerError: No trial is complete and within the limits, or the winner is not trained yet.
        """
        if (model := self.snapshot.model) is not None:
            return Best(model, self.folder, self.search.space)
        selection = self.snapshot.selection
        if not self.search.retrains and selection.winner is not None:
            raise NoWinnerError(f"The search {self.search.name!r} has no images to train on; `untrained` says what is known.")
        why = selection.reason if selection.winner is None else f"it is still {self.snapshot.phase}"
        raise NoWinnerError(f"The search {self.search.name!r} has no trained winner: {why}.")

    @property
    def retrained(self) -> tuple[Best, ...]:
        """All that were trained in full, the winner first; the others are what `retrain.front` and `retrain.trial` ask for."""
        snapshot, space = self.snapshot, self.search.space
        place = snapshot.selection.place
        others = (Best(model, self.folder, space, place(trial)) for trial, model in snapshot.others.items())
        return (*([Best(snapshot.model, self.folder, space)] if snapshot.model else []), *others)

    @property
    def references(self) -> tuple[Baseline, ...]:
        """The simple networks that the winner is held to; none where there are none, or not yet."""
        worth = self.snapshot.worth
        return tuple(Baseline(held.reference, held.gain, self.folder) for held in worth.held) if worth else ()

    @property
    def untrained(self) -> UntrainedWinner | None:
        """What is known of the winner on test images where nothing is trained, as in a search over a table."""
        return self.snapshot.untrained

    @property
    def report(self) -> str:
        """Where the report lies."""
        return self.folder.uri("report/index.html")

    def __repr__(self) -> str:
        now = self.snapshot
        best = f"; best: trial {now.winner.proposal.number}, {now.said(now.winner)}" if now.winner else ""
        return f"<Result {self.search.name!r}: {now.phase}, {words.counted(len(now.history), now.most_trials)} trials{best}>"

    def _repr_html_(self) -> str:
        """Show the leaderboard and the winner's network in a notebook."""
        best = [t.id for t in ranked(self.snapshot.history, self.search.spec.objectives)[:N_BEST]]
        wanted = ("number", *self.search.told_metrics, "n_params", "flops", "latency_s", "seconds")
        columns = [c for c in dict.fromkeys(wanted) if c in self.trials]
        if not best:
            return "<p>No trial is complete.</p>"
        table = self.trials.set_index("id").loc[best, columns].to_html(index=False)
        winner, worth = self.snapshot.winner, self.snapshot.worth
        said = [f"The winner is {worth.line}.", *worth.advice(), *worth.failures] if worth and worth.line else []
        gained = "".join(f"<p>{escape(text)}</p>" for text in said)
        return f"{table}{gained}{_picture(self.search.space, winner.proposal.architecture) if winner else ''}"


def _called(decision: str) -> str:
    """Return the column of a decision."""
    taken = decision in {*TAKEN, *METRICS, "architecture", "epochs", "weights", "parent", "born_accuracy"}
    return f"decision.{decision}" if taken else decision


def _birth(trial: Trial) -> dict[str, object]:
    """Return the id of the trial whose weights one was to begin with, and the accuracy with which it began."""
    birth = trial.birth
    return {"parent": birth.parent if birth else None, "born_accuracy": birth.accuracy if isinstance(birth, Born) else None}


def _picture(space: Space, architecture: Architecture) -> str:
    """Draw a network; the ids in a picture are of its architecture, so that a page may hold several."""
    from archsmith.report import graph_svg

    return graph_svg(space.graph(architecture), f"network-{architecture.id}")
