"""Whether a changed image is still one of its class: mirrored photographs are, and mirrored digits are not.

A question to the data alone, before anything is trained: each training image looks for the one most like it among the others,
and then its changed version does, among the same others as they are. Where the changed ones find their class nearly as often,
training may change images so. They never find it as often: in 70,000 pieces of clothing all shoes point to the left, and a
mirrored shoe is a shoe all the same. Of what is found beyond chance, mirrored clothing keeps two thirds, and crops of photographs
four fifths; mirrored digits keep a quarter, mirrored letters less than a tenth. So half is asked for, and a standard error more.
Nor may two classes be each other's mirror image, as arrows to the left and to the right are, however many others are not: of
those, more changed images find the other class than their own.

Images are compared by where in them edges have which direction, which tells classes apart in photographs as well, where pixels
alone do not.

Reference:
    Dalal, Triggs, 2005, Histograms of Oriented Gradients for Human Detection; here without blocks, of signed directions.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from archsmith.evaluation.augment import augmented, shift_range
from archsmith.evaluation.data.dataset import Dataset
from archsmith.evaluation.data.small import small
from archsmith.evaluation.data.stratify import shuffled

MOST = 2_000
"""Training images that are compared, equally many of each class as far as there are."""
SIDE, CELLS, DIRECTIONS = 32, 4, 8
"""Pixels a side of what is compared, cells a side in which edges are counted, and directions that are told apart."""
KEPT = 0.5
"""Share of what is found beyond chance that changed images must keep."""

Change = Callable[[torch.Tensor], torch.Tensor]
"""Changes all images of (N, C, H, W)."""


@dataclass(frozen=True, slots=True)
class Symmetry:
    """How often images find their class."""

    found: float
    """Share of the images whose nearest one is of their class."""
    changed: float
    """Likewise of the changed images, among those that are not changed."""
    chance: float
    """Share that would find it if the nearest one were any."""
    excess: float
    """By how much `changed` is more than chance and half of what is found beyond it."""
    error: float
    """Standard error of `excess`."""
    exchanged: tuple[tuple[int, int], ...]
    """The labels of two classes each of which the changed images are of the other one."""

    @property
    def survives(self) -> bool:
        """Whether changed images are of their class."""
        return self.excess > self.error and not self.exchanged

    @property
    def kept(self) -> float:
        """Share of what is found beyond chance that changed images keep; 0 where nothing is."""
        return (self.changed - self.chance) / (self.found - self.chance) if self.found > self.chance else 0.0


def survives_flip(dataset: Dataset) -> bool:
    """Tell whether an image whose left and right are exchanged is still of its class, as far as the training images tell."""
    return symmetry(dataset, [lambda images: images.flip(3)]).survives


def survives_shift(dataset: Dataset) -> bool:
    """Tell whether an image that is shifted by an eighth, as `crop` does, is still of its class."""
    down, right = shift_range(dataset.input_shape[1:])
    corners = [(0, right), (2 * down, right), (down, 0), (down, 2 * right)]
    return symmetry(dataset, [_shift(corner) for corner in corners]).survives


def symmetry(dataset: Dataset, changes: Sequence[Change]) -> Symmetry:
    """Measure how often the training images find their class, as they are and changed.

    Args:
        dataset: The images.
        changes: Changes, over which is averaged. An image that is found is never the one that was changed.
    """
    most = max(2, MOST // dataset.n_classes)
    index = torch.cat([torch.from_numpy(order[:most]) for order in shuffled(dataset.train, seed=0)])
    images, labels = dataset.train.images[index], dataset.train.labels[index]
    shares = torch.bincount(labels).float() / len(labels)
    chance = float(shares.square().sum())
    features = _edges(images)
    as_they_are = labels[_nearest(features, features)]
    as_changed = [labels[_nearest(_edges(change(images)), features)] for change in changes]
    found = (as_they_are == labels).float()
    changed = torch.stack([classes == labels for classes in as_changed]).float().mean(0)
    excess = (changed - chance) - KEPT * (found - chance)
    error = float(excess.std()) / math.sqrt(len(excess))
    before, *after = (_counts(labels, classes, dataset.n_classes) for classes in (as_they_are, *as_changed))
    exchanged = tuple(sorted({pair for counts in after for pair in _exchanged(before, counts)}))
    return Symmetry(float(found.mean()), float(changed.mean()), chance, float(excess.mean()), error, exchanged)


def _nearest(asking: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Return of each image which of the others is nearest: (N, D), (N, D) -> (N,), int64."""
    return torch.cdist(asking, features).fill_diagonal_(torch.inf).argmin(1)


def _counts(labels: torch.Tensor, found: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Return how often an image of each class finds each class: (N,), (N,) -> (n_classes, n_classes), float32."""
    return torch.bincount(labels * n_classes + found, minlength=n_classes**2).view(n_classes, n_classes).float()


def _exchanged(before: torch.Tensor, after: torch.Tensor) -> Iterator[tuple[int, int]]:
    """Yield two classes each of which find the other one rather than themselves, and only once the images are changed.

    As they are, each finds itself; and by the change, they find the other one oftener by more than twice what is chance.
    """
    own_before, own_after = before.diagonal()[:, None], after.diagonal()[:, None]
    other = (after >= own_after) & (after > 0) & (before < own_before)
    between_before, between_after = before + before.T, after + after.T
    by_more = between_after - between_before > 2 * (between_after + between_before).sqrt()
    pairs = (other & other.T & by_more).triu(1).nonzero().tolist()
    yield from ((a, b) for a, b in pairs)


def _edges(images: torch.Tensor) -> torch.Tensor:
    """Return how strong edges of each direction are in each cell: (N, C, H, W), uint8 -> (N, directions · cells²), float32."""
    grey = F.pad(small(images, SIDE).mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    right = grey[:, :, 1:-1, 2:] - grey[:, :, 1:-1, :-2]
    down = grey[:, :, 2:, 1:-1] - grey[:, :, :-2, 1:-1]
    directions = torch.arange(DIRECTIONS).view(1, -1, 1, 1) * (2 * math.pi / DIRECTIONS)
    near = torch.cos(torch.atan2(down, right) - directions).clamp_min(0) ** 4
    cells = F.adaptive_avg_pool2d(near * torch.hypot(down, right), CELLS).flatten(1)
    return F.normalize(cells).sqrt()  # the root, so that a few strong edges do not decide alone


def _shift(corner: tuple[int, int]) -> Change:
    def change(images: torch.Tensor) -> torch.Tensor:
        return augmented(images, {"crop": torch.tensor(corner).expand(len(images), 2)})

    return change
