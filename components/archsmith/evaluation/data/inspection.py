"""What is wrong with images before anything is learnt from them: copies, leaks, contradictions, classes that show nothing.

All is told of the images as networks get them, in words for people; nothing is changed here. What was left out already, because
`data.clean` asks for it, is among the findings of the data set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch

from archsmith.evaluation.data.dataset import Dataset, Images
from archsmith.evaluation.data.fingerprint import marks_of
from archsmith.evaluation.data.lookalikes import SIDE, lookalikes
from archsmith.evaluation.data.small import small
from archsmith.values.data_facts import SPLITS
from archsmith.values.findings import MOST_NAMED, Finding, of_counts, row

ALIKE = 0.5
"""Share of all images from which on copies of a single one are most of what there is."""
WORTH_TELLING = 0.01
"""Share of images from which on it is told that they look almost like others; large data sets of good repute have a few."""

CLEAN = "`data.clean: true` leaves them out of training."


_INSPECTED: WeakKeyDictionary[Dataset, tuple[Finding, ...]] = WeakKeyDictionary()
"""What was found in the data sets that are in use."""


def inspect(dataset: Dataset) -> tuple[Finding, ...]:
    """Return what people should know of the images before they believe a result, the gravest first.

    Copies are found exactly, by the bytes of the pixels; images that look almost the same nearly all, by small versions of them.
    It takes a second or two for 70,000 images of 28 x 28 pixels.
    """
    if (known := _INSPECTED.get(dataset)) is None:
        known = _INSPECTED[dataset] = tuple(_inspected(dataset))
    return known


def _inspected(dataset: Dataset) -> Iterator[Finding]:
    yield from dataset.findings
    all_ = _All.of(dataset)
    for look in (_leakage, _contradictions, _duplicates, _near, _alike, _constant, _blank, _grey):
        yield from look(all_)
    yield from of_counts(dataset.classes, {split: dataset.counts(split) for split in SPLITS})


@dataclass(frozen=True, slots=True, eq=False)
class _All:
    """The images of all splits, one after the other."""

    dataset: Dataset
    ids: np.ndarray
    """(N,), int64; equal where images have the same pixels."""
    labels: np.ndarray
    """(N,), int64."""
    splits: np.ndarray
    """(N,), int64: the position in `SPLITS`."""

    @classmethod
    def of(cls, dataset: Dataset) -> "_All":
        parts: list[Images] = [getattr(dataset, split) for split in SPLITS]
        numbers: dict[bytes, int] = {}
        ids = [numbers.setdefault(mark, len(numbers)) for part in parts for mark in marks_of(part.images)]
        splits = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        return cls(dataset, np.array(ids, np.int64), torch.cat([part.labels for part in parts]).numpy(), splits)

    def of_split(self, split: str) -> np.ndarray:
        """Return the positions of a split's images."""
        return np.flatnonzero(self.splits == SPLITS.index(split))

    def name(self, k: int) -> str:
        """Return what an image is called."""
        split = SPLITS[self.splits[k]]
        within = int(k - np.searchsorted(self.splits, self.splits[k]))
        names: Sequence[str] = self.dataset.names.get(split, ())
        return str(names[within]) if within < len(names) else f"{split}[{within}]"

    @property
    def hint(self) -> str:
        """What to do about training images that should not be there, after a space; nothing where that was done."""
        return "" if self.dataset.clean else f" {CLEAN}"

    def class_of(self, k: int) -> str:
        """Return the name of an image's class."""
        return self.dataset.classes[int(self.labels[k])]


def _leakage(all_: _All) -> Iterator[Finding]:
    """Tell of images that measure what was learnt by heart, whatever their labels."""
    for split, source in (("test", "train"), ("validation", "train"), ("test", "validation")):
        mine, theirs = all_.of_split(split), all_.of_split(source)
        first = _first_of(all_.ids, theirs)
        seen = [k for k in mine if all_.ids[k] in first]
        if not seen:
            continue
        pairs = [f"{all_.name(k)} is {all_.name(first[all_.ids[k]])}" for k in seen[:MOST_NAMED]]
        so = "so that the best is chosen by" if source == "validation" else "so that results with them say"
        what = "what it is tested with" if source == "validation" else "too much"
        text = (
            f"Of {len(mine):,} {split} images, {len(seen):,} {_are(seen)} also among those of {_SPLIT[source]}, pixel for pixel "
            f"({_some(pairs, len(seen))}), {so} {what}."
        )
        yield Finding("leakage", text if source == "validation" else f"{text}{all_.hint}", len(seen), tuple(pairs))


def _contradictions(all_: _All) -> Iterator[Finding]:
    pairs = np.unique(np.stack([all_.ids, all_.labels], axis=1), axis=0)
    ids, n_labels = np.unique(pairs[:, 0], return_counts=True)
    if not len(several := ids[n_labels > 1]):
        return
    members = np.flatnonzero(np.isin(all_.ids, several))
    examples = []
    for id_ in several[:MOST_NAMED]:
        mine = members[all_.ids[members] == id_]
        different = mine[np.unique(all_.labels[mine], return_index=True)[1]]
        examples.append(" and ".join(f"{all_.name(k)} in {all_.class_of(k)!r}" for k in different[:2]))
    they = "images are" if len(several) > 1 else "image is"
    text = (
        f"{len(several):,} {they} in several classes at once, pixel for pixel the same: {_some(examples, len(several))}. "
        f"Nobody can tell which label is right.{all_.hint}"
    )
    yield Finding("contradiction", text, len(several), tuple(examples))


def _duplicates(all_: _All) -> Iterator[Finding]:
    for split in SPLITS:
        mine = all_.of_split(split)
        keys = np.stack([all_.ids[mine], all_.labels[mine]], axis=1)
        _, firsts, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        inverse = inverse.reshape(-1)
        copies = np.flatnonzero(firsts[inverse] != np.arange(len(mine)))
        if not len(copies):
            continue
        pairs = [f"{all_.name(mine[k])} is {all_.name(mine[firsts[inverse[k]]])}" for k in copies[:MOST_NAMED]]
        of_others = "are copies of others" if len(copies) > 1 else "is a copy of another one"
        text = f"Of {len(mine):,} {_SPLIT[split]} images, {len(copies):,} {of_others} there ({_some(pairs, len(copies))})."
        yield Finding("duplicates", f"{text}{all_.hint}" if split == "train" else text, len(copies), tuple(pairs))


def _near(all_: _All) -> Iterator[Finding]:
    """Tell of images that are the same to the eye: across splits of each, within one split only where they are many."""
    _, kept = np.unique(all_.ids, return_index=True)
    shrunk = torch.cat([small(getattr(all_.dataset, split).images, SIDE) for split in SPLITS])
    pairs = kept[lookalikes(shrunk[torch.from_numpy(kept)])]
    pairs = np.sort(pairs, axis=1)
    across = pairs[(all_.splits[pairs[:, 0]] == 0) & (all_.splits[pairs[:, 1]] > 0)]
    if len(about := np.unique(across[:, 1])) and len(about) >= WORTH_TELLING * (all_.splits > 0).sum():
        told, what = across, "validation and test images look almost like training images, so that results may say too much"
    elif len(about := np.unique(pairs)) and len(about) >= WORTH_TELLING * len(all_.ids):
        told, what = pairs, "images look almost like others"
    else:
        return
    examples = [f"{all_.name(b)} is like {all_.name(a)}" for a, b in told[:MOST_NAMED]]
    differ = int((all_.labels[told[:, 0]] != all_.labels[told[:, 1]]).sum())
    labels = f" {differ:,} of the pairs are of different classes." if differ else ""
    text = f"{len(about):,} {what} ({_some(examples, len(told))}).{labels} They were kept, as they are not the same."
    yield Finding("near", text, len(about), tuple(examples))


def _alike(all_: _All) -> Iterator[Finding]:
    ids, counts = np.unique(all_.ids, return_counts=True)
    if (most := counts.max()) > ALIKE * len(all_.ids):
        example = all_.name(int(np.flatnonzero(all_.ids == ids[counts.argmax()])[0]))
        text = f"{most:,} of {len(all_.ids):,} images are one and the same, pixel for pixel: {example}."
        yield Finding("alike", text, int(most), (example,))


def _constant(all_: _All) -> Iterator[Finding]:
    """Tell of classes in which there is nothing to see but one picture, or but colours."""
    same, plain = [], []
    flat = _flat(all_)
    for label, name in enumerate(all_.dataset.classes):
        mine = np.flatnonzero((all_.labels == label) & (all_.splits == 0))
        if len(mine) > 1 and len(np.unique(all_.ids[mine])) == 1:
            same.append(name)
        elif len(mine) and flat[mine].all():
            plain.append(name)
    if same:
        what = "are the same, pixel for pixel: a network can only learn this one picture by heart"
        yield Finding("constant", f"All training images of {_each(same)} {what}.", len(same), tuple(same[:5]))
    if plain:
        text = f"All training images of {_each(plain)} are of a single colour each, with nothing to see on them."
        yield Finding("constant", text, len(plain), tuple(plain[:5]))


def _blank(all_: _All) -> Iterator[Finding]:
    blank = np.flatnonzero(_flat(all_))
    if len(blank):
        examples = [all_.name(k) for k in blank[:MOST_NAMED]]
        they = f"{len(blank):,} images show" if len(blank) > 1 else "1 image shows"
        text = f"{they} a single colour and nothing else ({_some(examples, len(blank))}); kept, as a class may look so."
        yield Finding("blank", text, len(blank), tuple(examples))


def _grey(all_: _All) -> Iterator[Finding]:
    parts = [getattr(all_.dataset, split).images for split in SPLITS]
    if parts[0].shape[1] == 3 and all(_is_grey(part) for part in parts):
        n = len(all_.ids)
        yield Finding("grey", f"All {n:,} images are grey, but stored in colour; networks get three channels that are equal.", n)


def _is_grey(images: torch.Tensor) -> bool:
    return bool(torch.equal(images[:, 0], images[:, 1]) and torch.equal(images[:, 0], images[:, 2]))


def _flat(all_: _All) -> np.ndarray:
    """Tell of each image whether it is of a single colour: (N,), bool."""
    parts = [getattr(all_.dataset, split).images.flatten(2) for split in SPLITS]
    return torch.cat([(part.amax(2) == part.amin(2)).all(1) for part in parts]).numpy()


def _first_of(ids: np.ndarray, places: np.ndarray) -> dict[int, int]:
    """Return the first place of each image among some places."""
    found, firsts = np.unique(ids[places], return_index=True)
    return dict(zip(found.tolist(), places[firsts].tolist(), strict=True))


_SPLIT = {"train": "training", "validation": "validation", "test": "test"}
"""What the images of a split are called."""


def _are(some: Sequence[int]) -> str:
    return "are" if len(some) > 1 else "is"


def _some(examples: Sequence[str], n: int) -> str:
    return "; ".join(examples) + (" ..." if n > len(examples) else "")


def _each(names: Sequence[str]) -> str:
    return f"the class {names[0]!r}" if len(names) == 1 else f"each of the classes {row(names, 5)}"
