"""What a report says of classes: how many images each has, how many the winner knows, and what it takes the others for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from archsmith.report import numbers
from archsmith.report.data import ReportData
from archsmith.values.data_facts import SPLITS

MATRIX = 20
"""Classes up to which the whole confusion matrix is shown; with more, nobody could read it."""

N_MISTAKES = 12
"""Of the most frequent mistakes so many are listed."""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class."""

    name: str
    """Its name."""
    images: tuple[str, ...]
    """How many images of it there are, one number a split of `splits`."""
    accuracy: float
    """Share of its test images that the winner knows, in [0, 1]; NaN where nothing was tested."""
    taken_for: str
    """The class that its test images are most often taken for by mistake, and how often; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the confusion matrix."""

    n: int
    """Test images of the row's class that were taken for the column's."""
    share: float
    """That as a share of the row's class, in [0, 1]."""
    right: bool
    """Whether it is on the diagonal."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A class that is taken for another."""

    label: str
    """What the images are."""
    predicted: str
    """What they are taken for."""
    n: int
    """How many of them, at least 1."""
    share: float
    """That as a share of the class, in (0, 1]."""


def names(data: ReportData) -> tuple[str, ...]:
    """Return the names of the classes, as far as they are known."""
    if data.model is not None:
        return data.model.classes
    return data.images.classes if data.images and data.images.counts else ()


def splits(data: ReportData) -> list[str]:
    """Return the splits whose numbers of images are known."""
    return [split for split in SPLITS if data.images and split in data.images.counts]


def rows(data: ReportData) -> list[ClassRow]:
    """Return what there is to say of each class, those first of which the winner knows least."""
    counts = [data.images.counts[split] for split in splits(data)] if data.images else []
    confusion = _confusion(data)
    found = []
    for k, name in enumerate(names(data)):
        images = tuple(f"{each[k]:,}" for each in counts)
        accuracy, taken_for = (_known(confusion[k], k), _mistaken(confusion[k], k, names(data))) if confusion else (math.nan, "")
        found.append(ClassRow(name, images, accuracy, taken_for))
    return sorted(found, key=lambda row: row.accuracy) if confusion else found


def matrix(data: ReportData) -> list[tuple[str, list[Cell]]]:
    """Return the confusion matrix, a row a class; empty where there is none, or too much of it."""
    confusion = _confusion(data)
    if not confusion or len(confusion) > MATRIX:
        return []
    return [
        (name, [Cell(n, n / max(1, sum(row)), i == j) for j, n in enumerate(row)])
        for i, (name, row) in enumerate(zip(names(data), confusion, strict=True))
    ]


def mistakes(data: ReportData) -> list[Mistake]:
    """Return the most frequent mistakes."""
    known, confusion = names(data), _confusion(data)
    pairs = ((i, j, n) for i, row in enumerate(confusion) for j, n in enumerate(row) if i != j and n)
    most = sorted(pairs, key=lambda pair: (-pair[2], pair[:2]))[:N_MISTAKES]
    return [Mistake(known[i], known[j], n, n / sum(confusion[i])) for i, j, n in most]


def splits_said(data: ReportData) -> str:
    """Write how many images each split has, and which of them were split off: by `data.validation` and `data.test`."""
    facts, spec = data.images, data.spec.data
    if facts is None or spec is None:
        return ""
    use = {"train": "to train", "validation": "to validate", "test": "to test"}
    share = {"validation": spec.validation, "test": spec.test}
    parts = []
    for split in splits(data):
        origin = "" if split in facts.own else f" ({100 * share.get(split, 0):.3g} % split off)"
        parts.append(f"{facts.n(split):,} {use[split]}{origin}")
    return ", ".join(parts)


def left_out(data: ReportData) -> str:
    """Write what lies beside the images and was not read."""
    return "; ".join(f"{left.n:,} in {left.where}: {left.why}" for left in data.images.left_out) if data.images else ""


def _confusion(data: ReportData) -> Sequence[Sequence[int]]:
    return data.model.confusion if data.model else ()


def _known(row: Sequence[int], k: int) -> float:
    return row[k] / sum(row) if sum(row) else math.nan


def _mistaken(row: Sequence[int], k: int, classes: Sequence[str]) -> str:
    """Write the most frequent mistake of a class."""
    n, j = max(((n, -j) for j, n in enumerate(row) if j != k), default=(0, 0))
    return f"{classes[-j]} ({numbers.count(n)})" if n else ""
