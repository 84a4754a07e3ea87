"""The estimator that looks: an architecture's validation accuracy with weights that it shares with all others.

Nothing is trained. The statistics of batch normalisation are averaged anew over some training batches, the same for each
architecture, and the validation images are gone through once. So the same weights and architecture give the same metrics.

Reference: Guo, Zhang, Mu, Heng, Liu, Wei, Sun 2020 (arXiv:1904.00420), section 3.4.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from archsmith.errors import DivergedError
from archsmith.evaluation.deployed import deployed
from archsmith.evaluation.estimator import Progress
from archsmith.evaluation.faults import measured
from archsmith.evaluation.sharing.bank import make_bank
from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.statistics import own_statistics
from archsmith.evaluation.training import evaluate
from archsmith.models.shared.bank import Bank
from archsmith.models.shared.mixed_bank import MixedBank
from archsmith.spec.supernets import Sampled
from archsmith.values import Architecture, Proposal, Trial


class Looker:
    """Looks at architectures with the weights that a bank has at that time.

    Args:
        settings: Over how many batches statistics are averaged.
        ground: The images.
        bank: The weights; neither they nor its running statistics are changed.
    """

    def __init__(self, settings: Sampled, ground: Ground, bank: Bank | MixedBank) -> None:
        self._settings, self._ground, self._bank = settings, ground, bank
        self._validation = ground.validation_batches(times=2)
        self._plain, self._seed = ground.few_batches(), ground.seed_of("statistics")

    def look(self, architecture: Architecture) -> tuple[float, float]:
        """Return mean cross-entropy, in nats, and accuracy on the validation images.

        Raises:
            UnbuildableError: The architecture has no network.
            DivergedError: The loss is not finite.
        """
        network, device = self._bank.network(architecture), self._ground.device
        precision = self._ground.training.precision
        with own_statistics(network, self._images(), device, precision):
            loss, accuracy = evaluate(network, self._validation, device, precision)
        if not math.isfinite(loss):
            raise DivergedError(f"The validation loss of {architecture.id} is {loss} with shared weights.")
        return loss, accuracy

    def _images(self) -> Iterator[Tensor]:
        """Yield batches of training images, the same each time, not augmented, as those to validate with are not."""
        batches = self._plain.epoch(torch.Generator().manual_seed(self._seed))
        return (x for x, _ in islice(batches, self._settings.statistics))


@dataclass(frozen=True, slots=True)
class SupernetEstimator:
    """Measures each candidate with the shared weights; see `Estimator`."""

    ground: Ground
    """What the weights were trained on."""
    looker: Looker
    """Has the weights."""

    @classmethod
    def of(cls, settings: Sampled, ground: Ground, state: Mapping[str, Any]) -> "SupernetEstimator":
        """Make it from what a training has left.

        Args:
            settings: Those of the training.
            ground: That of the training.
            state: The training's.
        """
        bank = make_bank(settings, ground)
        bank.restore(state["bank"])
        return cls(ground, Looker(settings, ground, bank))

    def estimate(self, proposal: Proposal, *, seed: int, progress: Progress) -> Trial:
        """Look at the architecture of `proposal`; the seed changes nothing, and there is no curve."""
        del progress
        architecture, ground = proposal.architecture, self.ground

        def measure() -> dict[str, float]:
            loss, accuracy = self.looker.look(architecture)
            costs = deployed(ground.space, architecture, ground.full, ground.device)
            return {"accuracy": accuracy, "loss": loss, **costs}

        return measured(proposal, measure, seed=seed, device=ground.device)
