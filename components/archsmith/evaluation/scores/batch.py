"""The one batch that scores look at."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from archsmith.evaluation.config import InputShape
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.data.resize import resized


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A batch of images with labels."""

    images: Tensor
    """(B, C, H, W), float32, of about zero mean and unit deviation a channel."""
    labels: Tensor
    """(B,), int64."""

    @classmethod
    def of(cls, dataset: Dataset, n: int, seed: int, *, side: int | None = None) -> Self:
        """Draw training images.

        Args:
            dataset: Where they come from.
            n: How many, or all where there are fewer.
            seed: Of the choice.
            side: Pixels that the shorter side is to have at most.
        """
        order = torch.randperm(len(dataset.train), generator=torch.Generator().manual_seed(seed))[:n]
        shorter = min(dataset.input_shape[1:])
        drawn = resized(dataset.train.take(order), min(1.0, (side or shorter) / shorter))
        mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (dataset.mean, dataset.std))
        return cls((drawn.images.to(torch.float32) / 255 - mean) / std, drawn.labels)

    @classmethod
    def noise(cls, input_shape: InputShape, n_classes: int, n: int, seed: int) -> Self:
        """Draw Gaussian noise in place of images, and random labels."""
        generator = torch.Generator().manual_seed(seed)
        images = torch.randn(n, *input_shape, generator=generator)
        return cls(images, torch.randint(n_classes, (n,), generator=generator))

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        return Batch(self.images.to(device), self.labels.to(device))
