"""What shared weights are trained on: a space, images, a device and a seed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from archsmith.evaluation.at_fidelity import at_fidelity
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.group import ALONE, Group
from archsmith.models.mixed.prices import PriceOf
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.values import Fidelity, seed_from


@dataclass(frozen=True, slots=True)
class Ground:
    """What every training of shared weights stands on."""

    space: Space
    """Where the architectures come from."""
    dataset: Dataset
    """The images at the search's fidelity; the test images are not touched."""
    full: Dataset
    """The images as they are, for what is measured of the network that would be deployed."""
    fidelity: Fidelity
    """Scales the networks."""
    training: TrainingSpec
    """How to train the weights."""
    device: Device
    """Where to train."""
    seed: int
    """Of everything that is random."""
    group: Group = ALONE
    """The processes that train together, each its part of every batch."""
    latency_of: PriceOf | None = None
    """Says how many seconds a module takes on the device that networks are for; None where nobody weighs that."""

    @classmethod
    def of(cls, space: Space, dataset: Dataset, *, fidelity: Fidelity, training: TrainingSpec, device: Device, seed: int) -> Self:
        """Make it from the images as they are; the part of them is that of the search's ordinary trainings."""
        return cls(space, at_fidelity(dataset, fidelity, seed), dataset, fidelity, training, device, seed)

    def preset(self, settings: Mapping[str, Any]) -> Self:
        """Return the same with a method's own settings of the training, where the search file names no others."""
        own = {name: value for name, value in settings.items() if name not in self.training.model_fields_set}
        return replace(self, training=self.training.model_copy(update=own))

    def train_batches(self) -> Batches:
        """Return the training images."""
        augment, device = self.training.augment, self.device.target
        batches = Batches(self.dataset.train, self.training.batch_size, device=device, channels_last=True, augment=augment)
        return self.group.part(batches)

    def few_batches(self) -> Batches:
        """Return the training images, not augmented, for who needs a few batches of them: a GPU does not hold all for that."""
        size, device = self.training.batch_size, self.device.target
        return self.group.part(Batches(self.dataset.train, size, device=device, channels_last=True, resident_share=0.0))

    def validation_batches(self, *, times: int = 1) -> Batches:
        """Return the validation images, in batches `times` as large as those to train with."""
        return Batches(self.dataset.validation, times * self.training.batch_size, device=self.device.target, channels_last=True)

    def seed_of(self, what: str) -> int:
        """Return a seed of its own for each thing that is random."""
        return seed_from(f"{self.seed}/supernet/{what}")
