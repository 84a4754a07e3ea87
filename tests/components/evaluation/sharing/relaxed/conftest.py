"""A network of three choices that is as small as can be, and trainings of it."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.relaxed.training import RelaxedTraining, Shares
from archsmith.models.mixed.network import Mixed, Mixes, Mixture, Path, Point, everything
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import Relaxed
from archsmith.values import Architecture

OPTIONS = ("conv", "skip", "pool")
Begin = Callable[..., RelaxedTraining]


class Tiny(Mixed):
    """A stem, three mixtures in a row, and a classifier: (B, 1, H, W) -> (B, n_classes)."""

    def __init__(self, n_classes: int = 10, channels: int = 4) -> None:
        super().__init__()
        self.points = tuple(Point(f"cell.edge_{k}", OPTIONS, frozenset({"skip"})) for k in range(3))
        self.stem = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.places = nn.ModuleList(Mixture(point.name, _options(channels)) for point in self.points)
        self.classifier = nn.Linear(channels, n_classes)

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        x = self.stem(x)
        for place in self.places:
            x = place(x, mixes)
        return self.classifier(x.mean((2, 3)))  # type: ignore[no-any-return]

    def derive(
        self, probabilities: Mapping[str, np.ndarray], n: int, allows: Callable[[Path], bool] = everything
    ) -> Sequence[Architecture]:
        def likelihood(choices: tuple[str, ...]) -> float:
            pairs = zip(self.points, choices, strict=True)
            return float(np.prod([probabilities[p.name][OPTIONS.index(choice)] for p, choice in pairs]))

        ranked = sorted(product(OPTIONS, repeat=3), key=likelihood, reverse=True)
        return [a for choices in ranked if allows(self.path(a := Architecture("tiny", choices)))][:n]

    def path(self, architecture: Architecture) -> Mapping[str, tuple[int, ...]]:
        return {p.name: (OPTIONS.index(str(c)),) for p, c in zip(self.points, architecture.choices, strict=True)}


def _options(channels: int) -> dict[str, nn.Module]:
    # Smooth, so that differences of its gradients tell its derivatives.
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    return {
        "conv": nn.Sequential(nn.SiLU(), conv, nn.BatchNorm2d(channels, affine=False)),
        "skip": nn.Identity(),
        "pool": nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.BatchNorm2d(channels, affine=False)),
    }


@pytest.fixture
def begin(few: Dataset, cpu: Device) -> Begin:
    """Make a training of the tiny network on a few digits."""

    def make(
        *, seed: int = 0, epochs: int = 2, prices: Mapping[str, Tensor] | None = None, **settings: object
    ) -> RelaxedTraining:
        half = few.train.take(torch.arange(0, 160, 2)), few.train.take(torch.arange(1, 160, 2))
        weights, alphas = (Batches(images, 16, augment=("crop",), channels_last=True) for images in half)
        shares = Shares(weights, alphas, Batches(few.validation, 60, channels_last=True), weights)
        chosen = Relaxed(epochs=epochs, **settings)  # type: ignore[arg-type]
        return RelaxedTraining(Tiny(), shares, chosen, TrainingSpec(), device=cpu, seed=seed, prices=prices)

    return make


@pytest.fixture
def tiny() -> Callable[[], Tiny]:
    """Make the tiny network for three classes."""
    torch.manual_seed(0)
    return lambda: Tiny(3)
