"""A score without training: how well the nearest mean of a class tells images apart, by an untrained network's outputs."""

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from archsmith.errors import CandidateError
from archsmith.evaluation.config import EstimatorConfig
from archsmith.evaluation.estimator import Progress
from archsmith.evaluation.given import Given
from archsmith.values import Fidelity, Proposal, Trial
from archsmith.values.metrics import OF_THE_NETWORK

if TYPE_CHECKING:
    import torch


class ClassMeansConfig(EstimatorConfig):
    """An untrained network's outputs, by whose means a class each images are told apart; seconds, and no training."""

    images: Annotated[int, Field(ge=2)] = 512
    """Training images of which the means are, at most; as many are told apart."""

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity of its trials: the whole network, and no epochs to speak of."""
        return Fidelity(1)

    @property
    def untrained(self) -> str:
        """What happens to a candidate, as it ends a sentence."""
        return "told apart by class means, untrained"

    @property
    def own_metrics(self) -> Set[str]:
        """The metric that is its own; an objective must say whether more of it is better."""
        return {"separation"}

    def measures(self, *, buildable: bool) -> Set[str]:
        """Return the metrics that each complete trial has."""
        del buildable
        return {"separation", *OF_THE_NETWORK}

    def build(self, given: Given) -> "ClassMeans":
        """Make the estimator from what the step has."""
        return ClassMeans(given, self.images)


@dataclass(frozen=True, slots=True)
class ClassMeans:
    """Measures candidates; torch is imported when the first one is."""

    given: Given
    """What the step has."""
    n: int
    """Images."""

    def estimate(self, proposal: Proposal, *, seed: int, progress: Progress) -> Trial:
        """Measure a candidate; a bad one is a failed trial, and nothing is raised for it."""
        from archsmith.evaluation.deployed import deployed
        from archsmith.evaluation.faults import measured

        del progress  # there are no epochs
        device = self.given.device()

        def measure() -> dict[str, float]:
            costs = deployed(self.given.space, proposal.architecture, self.given.images(), device)
            return {"separation": self._separation(proposal, seed), **costs}

        return measured(proposal, measure, seed=seed, device=device)

    def _separation(self, proposal: Proposal, seed: int) -> float:
        """Return the share of validation images that are nearest to the mean of their own class."""
        import torch

        from archsmith.models import build
        from archsmith.models.initialise import initialise

        data, device = self.given.images(), self.given.device()
        network = build(
            self.given.space, proposal.architecture, data.input_shape, data.n_classes,
            fidelity=proposal.fidelity, mean=data.mean, std=data.std,
        )  # fmt: skip
        initialise(network, torch.Generator().manual_seed(seed))
        network = device.place(network).train()  # an untrained network's batch normalisation knows the batch alone

        def outputs(images: "torch.Tensor") -> "torch.Tensor":
            found: torch.Tensor = network(images[: self.n].to(device.target).float() / 255)
            return found

        with torch.inference_mode():
            known, labels = outputs(data.train.images), data.train.labels[: self.n].to(device.target)
            there = labels.unique()
            means = torch.stack([known[labels == c].mean(0) for c in there])
            apart = torch.cdist(outputs(data.validation.images), means)
        if not apart.isfinite().all() or float(means.std(0).max()) < 1e-4 * float(means.abs().max()):
            raise CandidateError("The means of all classes are the same, or not finite, so that they tell nothing.")
        said = there[apart.argmin(1)].cpu()
        return float((said == data.validation.labels[: self.n]).float().mean())
