"""What is tracked: a search, and in the end its winner."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from archsmith.spec import SearchSpec
from archsmith.values import Fidelity, digest
from archsmith.values.data_facts import DataFacts
from archsmith.values.outcome import TrainedModel


@dataclass(frozen=True, slots=True)
class TrackedSearch:
    """A search, as far as tracking has to know it."""

    name: str
    """Its name, and that of its run."""
    spec: SearchSpec
    """Its settings; `tracking.experiment` names the experiment that holds the run."""
    text: str
    """The search file as it was written."""
    decisions: tuple[str, ...]
    """The names of the decisions, in the order of an architecture's choices."""
    identity: str = ""
    """What tells it from an earlier search of its name, so that a search which was deleted and made anew gets a
    run of its own: an id that the store keeps from the beginning. Where it is empty, the settings stand in."""
    data: DataFacts | None = None
    """What is known of the images, where there are any."""
    source_digest: str = ""
    """Digest of what stands in for images, a table; empty where there is none, or it can't be read here."""
    began_at: float | None = None
    """When it began, in seconds since the epoch of Unix; None where the store does not know."""
    full: Fidelity | None = None
    """Its own fidelity, to which the best are trained; None where it is not known."""
    shares: str = ""
    """What is done with weights that all architectures share, as a sentence; empty where they share none."""

    @property
    def model(self) -> str:
        """What its registered model is called after: itself, or what it shares the model with."""
        return self.spec.tracking.model or self.name

    @property
    def key(self) -> str:
        """The identity, or else a digest of the settings that decide about the trials.

        Budget and resources are not among them: a search that goes on with a larger budget is the same search.
        """
        what = {"data", "space", "strategy", "estimation", "training", "objectives", "seed"}
        return self.identity or digest(json.dumps(self.spec.model_dump(mode="json", include=what), sort_keys=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "spec": self.spec.model_dump(mode="json"),
            "text": self.text,
            "decisions": list(self.decisions),
            "identity": self.identity,
            "data": self.data.to_dict() if self.data else None,
            "source_digest": self.source_digest,
            "began_at": self.began_at,
            "full": self.full.to_dict() if self.full else None,
            "shares": self.shares,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        spec = SearchSpec.model_validate_json(json.dumps(raw["spec"]))
        data = DataFacts.from_dict(raw["data"]) if raw["data"] else None
        full = Fidelity(**raw["full"]) if raw["full"] else None
        return cls(
            raw["name"], spec, raw["text"], tuple(raw["decisions"]), raw["identity"], data, raw["source_digest"],
            raw["began_at"], full, raw["shares"],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ended:
    """That a search has ended."""

    at: float
    """When, in seconds since the epoch of Unix."""
    of: str
    """What it ended with: equal where trials, winner and model are."""


@dataclass(frozen=True, slots=True, eq=False)
class Winner:
    """The winner, or another trial that was trained in full, to be published."""

    model: TrainedModel
    """How it was trained and what it reaches."""
    onnx: bytes
    """The model as ONNX, weights inside: one input (n, C, H, W) float32, one output (n, K)."""
    pt2: bytes
    """The model as `torch.export` wrote it."""
    example: np.ndarray
    """Images to show what goes in: (n, C, H, W), float32 in [0, 1]; the first one is kept."""
    number: int = 0
    """The number of the trial that it comes from."""
    notation: str = ""
    """Its architecture in the space's words."""

    def __post_init__(self) -> None:
        if self.example.shape[1:] != self.model.input_shape or len(self.example) == 0:
            raise ValueError(
                f"The input example has the shape {self.example.shape}, but must hold images of {self.model.input_shape}; "
                "give at least one, in a batch."
            )
