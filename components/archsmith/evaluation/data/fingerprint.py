"""What tells images from each other: whether a data set has changed, and whether there is anything to learn from it."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import torch

from archsmith.errors import DataError

Marks = Mapping[str, Sequence[bytes]]
"""The fingerprint of each image, by split."""
Labels = Mapping[str, Sequence[int]]
"""The position of each image's class, by split."""


def fingerprint(pixels: np.ndarray) -> bytes:
    """Return what only images with the same pixels share.

    Args:
        pixels: (H, W), or (H, W, 3); uint8. Grey is the same whether it has one channel or three equal ones.
    """
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    return hashlib.blake2b(pixels.tobytes(), digest_size=16, person=str(pixels.shape)[:16].encode()).digest()


def marks_of(images: torch.Tensor) -> list[bytes]:
    """Return the fingerprint of each image: (N, C, H, W), uint8."""
    return [fingerprint(pixels) for pixels in images.permute(0, 2, 3, 1).squeeze(3).numpy()]


def digest_of(classes: Sequence[str], marks: Marks, labels: Labels) -> str:
    """Return a digest of all images, their labels and splits: 32 hexadecimal digits."""
    whole = hashlib.sha256("\n".join(classes).encode())
    for split in sorted(marks):
        whole.update(f"\n{split} {len(marks[split])}\n".encode())
        whole.update(np.asarray(labels[split], dtype="<i8").tobytes())
        whole.update(b"".join(marks[split]))
    return whole.hexdigest()[:32]


def check_differ(classes: Sequence[str], marks: Marks, labels: Labels) -> None:
    """Make sure that images and classes differ from each other.

    Raises:
        DataError: All images are the same, or those of two classes are.
    """
    pairs = [(mark, label) for split in marks for mark, label in zip(marks[split], labels[split], strict=True)]
    if len({mark for mark, _ in pairs}) == 1:
        raise DataError(f"All {len(pairs):,} images are the same, pixel for pixel, so there is nothing to learn from them.")
    held: list[set[bytes]] = [set() for _ in classes]
    for mark, label in pairs:
        held[label].add(mark)
    owners = Counter(mark for marks_of_class in held for mark in marks_of_class)
    shared = [{mark for mark in each if owners[mark] > 1} for each in held]  # mostly empty, and so quick to compare
    for a, b in combinations([k for k, each in enumerate(shared) if each], 2):
        if held[a] == held[b]:
            raise DataError(
                f"The classes {classes[a]!r} and {classes[b]!r} hold the same images, pixel for pixel; nothing tells them apart."
            )
