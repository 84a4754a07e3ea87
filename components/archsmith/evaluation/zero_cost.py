"""The estimator that trains nothing: a score of the network as it is initialised."""

from dataclasses import dataclass

import torch

from archsmith.evaluation.at_fidelity import at_fidelity
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.deployed import deployed
from archsmith.evaluation.device import Device
from archsmith.evaluation.estimator import Progress
from archsmith.evaluation.faults import measured
from archsmith.evaluation.scores import computed
from archsmith.evaluation.scores.batch import Batch
from archsmith.evaluation.seeding import seeded
from archsmith.models import build
from archsmith.models.initialise import initialise
from archsmith.spaces.space import Space
from archsmith.values import Proposal, Trial
from archsmith.values.scores import ScoreName


@dataclass(frozen=True, slots=True)
class ZeroCostEstimator:
    """Scores each candidate at the proposal's fidelity, with weights that the seed decides.

    Its trials have no learning curve. Parameters, flops, latency and memory are those of the network at full fidelity, and so
    are the scores `n_params` and `flops`.
    """

    dataset: Dataset
    """The images; the batch is of those to train with."""
    space: Space
    """Where the architectures come from."""
    score: ScoreName
    """What is computed, and the metric that a trial has of it."""
    batch_size: int
    """Images of the batch, the same for all trials of a search."""
    device: Device
    """Where to compute."""
    data_seed: int
    """Seed of the choice of the batch."""

    def estimate(self, proposal: Proposal, *, seed: int, progress: Progress) -> Trial:
        """Score `proposal`; see `Estimator.estimate`."""
        del progress  # there are no epochs

        def measure() -> dict[str, float]:
            costs = deployed(self.space, proposal.architecture, self.dataset, self.device)
            return {self.score: self._scored(proposal, seed), **costs}

        return measured(proposal, measure, seed=seed, device=self.device)

    def _scored(self, proposal: Proposal, seed: int) -> float:
        """Return the score of the network at the proposal's fidelity; raises `UnscorableError` where there is none."""
        fidelity, dataset = proposal.fidelity, at_fidelity(self.dataset, proposal.fidelity, self.data_seed)
        with seeded(seed, self.device):
            network = build(self.space, proposal.architecture, dataset.input_shape, dataset.n_classes, fidelity=fidelity)
        initialise(network, torch.Generator().manual_seed(seed))
        batch = Batch.of(dataset, self.batch_size, self.data_seed).to(self.device.target)
        return computed(self.score, self.device.place(network), batch.images, batch.labels)
