"""What is left out where `data.clean` asks for it: images that teach nothing or too much, and classes that can't be tested."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import torch

from archsmith.evaluation.data.dataset import Images, Part, Splits, taken
from archsmith.evaluation.data.fingerprint import marks_of
from archsmith.values.findings import MOST_NAMED, Finding, row


def fit(splits: Splits) -> Splits:
    """Return the splits without the classes of which one has no image, or too few to be split.

    Where fewer than two would be left, nothing is left out, and others say what is wrong.
    """
    n = len(splits.classes)
    if any(len(each) and not 0 <= int(each.labels.min()) <= int(each.labels.max()) < n for each in splits.named.values()):
        return splits
    held = [name for name in ("test", "validation") if name not in splits.named]
    counts = torch.stack([torch.bincount(each.labels, minlength=n) for each in splits.named.values()])
    least = torch.tensor([1 + len(held) if name == "train" else 1 for name in splits.named])
    enough = (counts >= least[:, None]).all(0)
    if enough.all() or enough.sum() < 2:
        return splits
    numbers = torch.where(enough, enough.cumsum(0) - 1, -1)
    keep = {name: enough[each.labels].nonzero()[:, 0] for name, each in splits.named.items()}
    names = {name: taken(each, keep[name]) for name, each in splits.names.items()}
    marks = {name: [each[k] for k in keep[name].tolist()] for name, each in splits.fingerprints.items()}
    lost = [name for name, is_kept in zip(splits.classes, enough.tolist(), strict=True) if not is_kept]
    left = {name: Images(each.images[keep[name]], numbers[each.labels[keep[name]]]) for name, each in splits.named.items()}
    return replace(
        splits, classes=tuple(name for name in splits.classes if name not in lost), train=left["train"], test=left.get("test"),
        validation=left.get("validation"), names=names, fingerprints=marks, findings=(*splits.findings, _lost(splits, lost)),
    )  # fmt: skip


def _lost(splits: Splits, lost: Sequence[str]) -> Finding:
    held = [name for name in ("test", "validation") if name not in splits.named]
    needs = f"{1 + len(held)} training images, as some are set aside for {' and '.join(held)}" if held else "a training image"
    also = [name for name in splits.named if name != "train"]
    needs += f", and one in {' and '.join(also)}" if also else ""
    what = f"The class {lost[0]!r} has" if len(lost) == 1 else f"The classes {row(lost, 5)} have"
    were = "was" if len(lost) == 1 else "were"
    text = f"{what} too few images and {were} left out altogether: a class needs {needs}."
    return Finding("single", text, len(lost), tuple(lost[:5]))


def cleaned(parts: Mapping[str, Part], classes: Sequence[str], least: int) -> tuple[torch.Tensor, tuple[Finding, ...]]:
    """Say which training images to keep: the first of each that is in no other part, and in one class only.

    Args:
        parts: The training images, and all that are there to validate or test with; these are never changed.
        classes: Names of the classes.
        least: Training images of a class that are kept in any case.

    Returns:
        Their positions, sorted, and what was left out.
    """
    cleaning = _Cleaning.of_parts(parts, classes)
    why = np.array([cleaning.why(k) for k in range(len(cleaning.marks))])
    spared = _spared(why, cleaning.labels, len(classes), least)
    why[spared] = KEPT
    return torch.from_numpy(np.flatnonzero(why == KEPT)), tuple(cleaning.told(why, spared))


KEPT, COPY, CONTRADICTION, LEAK = range(4)
"""What becomes of a training image, and why; the last ones do the most harm."""


@dataclass(frozen=True, slots=True, eq=False)
class _Cleaning:
    """The training images, and where else each of them is."""

    names: Sequence[str]
    labels: np.ndarray
    marks: Sequence[bytes]
    classes: Sequence[str]
    elsewhere: Mapping[str, Mapping[bytes, str]]
    """The names of the images of each other part, by what tells them apart."""
    first: Mapping[bytes, int]
    """The first training image that looks so."""
    of: Mapping[bytes, Set[int]]
    """The classes of the training images that look so."""

    @classmethod
    def of_parts(cls, parts: Mapping[str, Part], classes: Sequence[str]) -> "_Cleaning":
        train = parts["train"]
        marks, labels = marks_of(train.images.images), train.images.labels.numpy()
        elsewhere = {
            name: dict(zip(marks_of(part.images.images), part.names, strict=True))
            for name, part in parts.items()
            if name != "train"
        }
        of: dict[bytes, set[int]] = {}
        for mark, label in zip(marks, labels.tolist(), strict=True):
            of.setdefault(mark, set()).add(label)
        first = {mark: k for k, mark in reversed(list(enumerate(marks)))}
        return cls(train.names, labels, marks, classes, elsewhere, first, of)

    def why(self, k: int) -> int:
        """Say what becomes of an image."""
        mark = self.marks[k]
        if any(mark in held for held in self.elsewhere.values()):
            return LEAK
        if len(self.of[mark]) > 1:
            return CONTRADICTION
        return KEPT if self.first[mark] == k else COPY

    def told(self, why: np.ndarray, spared: np.ndarray) -> Iterator[Finding]:
        """Yield what was left out, with examples, and of which classes some was kept."""
        leaks, contradictions, copies = (np.flatnonzero(why == reason).tolist() for reason in (LEAK, CONTRADICTION, COPY))
        if leaks:
            where = [name for name, held in self.elsewhere.items() if any(self.marks[k] in held for k in leaks)]
            pairs = [f"{self.names[k]} is {self._twin(k)}" for k in leaks[:MOST_NAMED]]
            yield _left_out("leakage", len(leaks), f"also {' or '.join(where)} images, pixel for pixel", pairs)
        if contradictions:
            pairs = [f"{self.names[k]} in {self._classes(self.of[self.marks[k]])}" for k in contradictions[:MOST_NAMED]]
            what = "the same in several classes at once, so that nobody can tell which label is right"
            yield _left_out("contradiction", len(contradictions), what, pairs)
        if copies:
            pairs = [f"{self.names[k]} is {self.names[self.first[self.marks[k]]]}" for k in copies[:MOST_NAMED]]
            yield _left_out("duplicates", len(copies), "copies of others, pixel for pixel", pairs)
        if len(spared):
            about = [self.classes[label] for label in np.unique(self.labels[spared])]
            text = f"So little would be left of {row(about, 5)} that {len(spared):,} such training images were kept."
            yield Finding("constant", text, len(spared), tuple(about[:5]))

    def _twin(self, k: int) -> str:
        return next(held[self.marks[k]] for held in self.elsewhere.values() if self.marks[k] in held)

    def _classes(self, labels: Set[int]) -> str:
        return " and ".join(repr(self.classes[label]) for label in sorted(labels))


def _spared(why: np.ndarray, labels: np.ndarray, n_classes: int, least: int) -> np.ndarray:
    """Return which images are kept all the same, as nearly nothing of their class would be left: the least harmful first."""
    spared = [np.empty(0, np.int64)]
    for label in range(n_classes):
        lost = np.flatnonzero((labels == label) & (why != KEPT))
        missing = least - int(((labels == label) & (why == KEPT)).sum())
        if missing > 0:
            spared.append(lost[np.argsort(why[lost], kind="stable")][:missing])
    return np.concatenate(spared)


def _left_out(kind: str, n: int, what: str, examples: Sequence[str]) -> Finding:
    are, were = ("images are", "were") if n > 1 else ("image is", "was")
    more = " ..." if n > len(examples) else ""
    text = f"{n:,} training {are} {what} ({'; '.join(examples)}{more}), and {were} left out of training."
    return Finding(kind, text, n, tuple(examples))
