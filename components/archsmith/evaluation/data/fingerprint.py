"""What tells images from each other: whether a data set has changed, and whether there is anything to learn from it."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from archsmith.errors import DataError

Marks = Mapping[str, Sequence[bytes]]
"""The fingerprint of each image, by split."""
Labels = Mapping[str, Sequence[int]]
"""The position of each image's class, by split."""

WORTH_TELLING = 0.01
"""Share of a split from which on copies are told of; large data sets of good repute have a few."""


def fingerprint(pixels: np.ndarray) -> bytes:
    """Return what only images with the same pixels share.

    Args:
        pixels: (H, W), or (H, W, 3); uint8. Grey is the same whether it has one channel or three equal ones.
    """
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    return hashlib.blake2b(pixels.tobytes(), digest_size=16, person=str(pixels.shape)[:16].encode()).digest()


def digest_of(classes: Sequence[str], marks: Marks, labels: Labels) -> str:
    """Return a digest of all images, their labels and splits: 32 hexadecimal digits."""
    whole = hashlib.sha256("\n".join(classes).encode())
    for split in sorted(marks):
        whole.update(f"\n{split} {len(marks[split])}\n".encode())
        whole.update(np.asarray(labels[split], dtype="<i8").tobytes())
        whole.update(b"".join(marks[split]))
    return whole.hexdigest()[:32]


def check_differ(classes: Sequence[str], marks: Marks, labels: Labels) -> list[str]:
    """Make sure that images and classes differ from each other; return warnings, a sentence each.

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
    return [*_contradictions(classes, pairs, owners), *_monotonous(classes, marks, labels), *_copies(marks, labels)]


def _contradictions(classes: Sequence[str], pairs: Sequence[tuple[bytes, int]], owners: Counter[bytes]) -> Iterator[str]:
    if n := len({mark for mark, _ in pairs if owners[mark] > 1}):
        example = next(mark for mark, _ in pairs if owners[mark] > 1)
        names = " and ".join(repr(classes[label]) for label in sorted({label for mark, label in pairs if mark == example})[:4])
        they = "images are" if n > 1 else "image is"
        yield f"{n:,} {they} in several classes at once, pixel for pixel the same, such as one in {names}."


def _monotonous(classes: Sequence[str], marks: Marks, labels: Labels) -> Iterator[str]:
    for split in marks:
        counts = Counter(labels[split])
        different = Counter(label for _, label in set(zip(marks[split], labels[split], strict=True)))
        if same := [classes[label] for label in sorted(counts) if counts[label] > 1 and different[label] == 1]:
            rest = f" and of {len(same) - 1} more classes" if len(same) > 1 else ""
            yield f"All images of {same[0]!r}{rest} in {split} are the same, pixel for pixel."


def _copies(marks: Marks, labels: Labels) -> Iterator[str]:
    """Tell of images that are there more than once: what is tested with should be new to a network."""
    for split, each in marks.items():
        copies = len(each) - len(set(zip(each, labels[split], strict=True)))
        if copies and copies >= WORTH_TELLING * len(each):
            they = f"{copies:,} are copies of others there; parts that are split off may share them."
            it = "1 is a copy of another one there; parts that are split off may share it."
            yield f"Of {len(each):,} images in {split}, {they if copies > 1 else it}"
        known = set(marks["train"])
        seen = sum(mark in known for mark in each)
        if split != "train" and seen and seen >= WORTH_TELLING * len(each):
            are = "are" if seen > 1 else "is"
            yield f"Of {len(each):,} images in {split}, {seen:,} {are} also in train, so that results with them say too much."
