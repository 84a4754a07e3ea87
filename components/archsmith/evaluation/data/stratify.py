"""Parts of a data set with the same share of each class."""

import numpy as np
import torch

from archsmith.errors import DataError
from archsmith.evaluation.data.dataset import Images


def split(images: Images, share: float, *, seed: int, classes: tuple[str, ...], held: str) -> tuple[Images, Images]:
    """Return the rest of the images, and a share of them that is set aside; see `set_aside`."""
    rest, aside = set_aside(images, share, seed=seed, classes=classes, held=held)
    return images.take(rest), images.take(aside)


def set_aside(
    images: Images, share: float, *, seed: int, classes: tuple[str, ...], held: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Set a share of the images aside, the same share of each class.

    The numbers are apportioned by the largest remainder: in all, the share is met as nearly as whole
    images allow, and in each class within one image, except that both sides get one of each class.

    Args:
        images: what to split.
        share: the share that is set aside, in (0, 1).
        seed: which images these are.
        classes: names of the classes.
        held: what the images are set aside for, to be named in an error.

    Returns:
        The positions of the rest and of the images that are set aside, both in the order of `images`: (n,), int64.

    Raises:
        DataError: A class has fewer than two images.
    """
    counts = np.bincount(images.labels.numpy(), minlength=len(classes))
    if counts.min() < 2:
        raise DataError(
            f"The class {classes[counts.argmin()]!r} has {counts.min()} image to be split into training and {held}, but needs "
            f"at least 2, one for each; add images of it, or remove it."
        )
    taken = [order[:n] for order, n in zip(shuffled(images, seed), _apportion(counts, share), strict=True)]
    aside = torch.zeros(len(images), dtype=torch.bool)
    aside[torch.from_numpy(np.concatenate(taken))] = True
    return (~aside).nonzero()[:, 0], aside.nonzero()[:, 0]


def subset(images: Images, fraction: float, seed: int, *, least: int = 1) -> Images:
    """Return a part of the images, for a lower fidelity, with the same share of each class.

    It is nested: what a smaller fraction holds, a larger one with the same seed holds too, so a trial that
    is promoted to a higher fidelity sees the images that it has seen, and more. This is why the numbers are
    rounded class by class here: by the largest remainder, a class can lose an image as the fraction grows.

    Args:
        images: what to take from.
        fraction: in (0, 1].
        seed: which images these are.
        least: of each class at least so many, or all that it has.

    Returns:
        The images, in the order of `images`.
    """
    if fraction == 1:
        return images
    taken = [order[: max(least, int(len(order) * fraction + 0.5))] for order in shuffled(images, seed)]
    return images.take(torch.from_numpy(np.sort(np.concatenate(taken))))


def shuffled(images: Images, seed: int) -> list[np.ndarray]:
    """Return the positions of each class's images in random order: an array a class, (n,), int64."""
    rng = np.random.default_rng(seed)
    labels = images.labels.numpy()
    return [rng.permutation(np.flatnonzero(labels == c)) for c in range(int(labels.max()) + 1)]


def _apportion(counts: np.ndarray, share: float) -> np.ndarray:
    """Return how many of each class to set aside: (n_classes,), int64; at least one, and never all."""
    quotas = counts * share
    numbers = np.floor(quotas).astype(np.int64)
    left = int(quotas.sum() + 0.5) - numbers.sum()
    numbers[np.argsort(numbers - quotas, kind="stable")[:left]] += 1
    return np.clip(numbers, 1, counts - 1)
