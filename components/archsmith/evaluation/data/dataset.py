"""The values of this package: labelled images, their splits, and a data set that is ready for training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch

from archsmith.errors import DataError
from archsmith.values.data_facts import SPLITS, DataFacts, LeftOut
from archsmith.values.findings import Finding


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images of one size, each with the number of its class."""

    images: torch.Tensor
    """(N, C, H, W), uint8; bytes take a quarter of the memory of floats, and so reach the GPU faster."""
    labels: torch.Tensor
    """(N,), int64; the position of the class in the data set's `classes`."""

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise ValueError(f"Images are {self.images.dtype} of {self.images.ndim} axes, but must be uint8 of 4: (N, C, H, W).")
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                f"Labels are {self.labels.dtype} of shape {tuple(self.labels.shape)}, but must be int64, "
                f"one for each of {len(self.images)} images."
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def take(self, index: torch.Tensor) -> "Images":
        """Return the images at `index`: (n,), int64."""
        return Images(self.images[index], self.labels[index])


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Dataset:
    """Images to train, to validate and to test with."""

    train: Images
    """What networks are trained on."""
    validation: Images
    """What candidates are compared on."""
    test: Images
    """What the retrained winner is tested on, once; nothing else may touch it."""
    classes: tuple[str, ...]
    """Names of the classes, in the order of the networks' outputs."""
    mean: tuple[float, ...]
    """Mean of each channel of the training images, with values in [0, 1]."""
    std: tuple[float, ...]
    """Standard deviation likewise, at least 1/255, so that a constant channel divides by no zero."""
    own: tuple[str, ...] = ("train",)
    """The splits that the source has itself; see `DataFacts`, as for what follows."""
    left_out: tuple[LeftOut, ...] = ()
    """What was not read of it."""
    digest: str = ""
    """What tells it from other images and labels."""
    warnings: tuple[str, ...] = ()
    """What the reader has to say."""
    findings: tuple[Finding, ...] = ()
    """What was found, and done, when it was loaded."""
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What the images of each split are called; empty where nobody has named them."""
    clean: bool = False
    """Whether what teaches nothing or too much was left out of training."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self.train.shape

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.classes)

    @property
    def facts(self) -> DataFacts:
        """What those are told of it who do not read it; it takes a second or two for tens of thousands of images."""
        from archsmith.evaluation.data.inspection import inspect  # which knows data sets

        counts = {split: self.counts(split) for split in SPLITS}
        return DataFacts(
            self.input_shape, self.classes, counts, self.own, self.left_out, self.digest, self.warnings, inspect(self)
        )  # fmt: skip

    def counts(self, split: str) -> tuple[int, ...]:
        """Return how many images of each class a split has: `train`, `validation` or `test`."""
        images: Images = getattr(self, split)
        return tuple(torch.bincount(images.labels, minlength=self.n_classes).tolist())


@dataclass(frozen=True, slots=True)
class Numbered(Sequence[str]):
    """What images are called that lie in an array: its name and their positions in it."""

    array: str
    """The name of the array, or that of the split where there is none."""
    positions: Sequence[int]
    """Where in the array they are."""

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, k: Any) -> Any:  # a sequence's slices are of no use here
        return f"{self.array}[{self.positions[k]}]"


def taken(names: Sequence[str], index: torch.Tensor) -> Sequence[str]:
    """Return the names of the images at `index`: (n,), int64."""
    places = index.tolist()
    if isinstance(names, Numbered):
        return Numbered(names.array, [names.positions[k] for k in places])
    return [names[k] for k in places]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Images, and what they are called."""

    images: Images
    """The images."""
    names: Sequence[str]
    """The name of each."""

    def take(self, index: torch.Tensor) -> "Part":
        """Return the images at `index`, (n,), int64, with their names."""
        return Part(self.images.take(index), taken(self.names, index))


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """What a reader found: the training images, and the other splits where the source has them."""

    classes: tuple[str, ...]
    """Names of the classes."""
    train: Images
    """The training images; all there are where the source has no splits."""
    test: Images | None = None
    """The test images of the source."""
    validation: Images | None = None
    """The validation images of the source."""
    fingerprints: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    """Those of the images by split, where the reader had them before it made them smaller."""
    left_out: tuple[LeftOut, ...] = ()
    """Files that were not read."""
    warnings: tuple[str, ...] = ()
    """What the reader has to say, a sentence each."""
    findings: tuple[Finding, ...] = ()
    """What the reader has found."""
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What the images are called, by split; by their positions where that is left out."""

    @property
    def named(self) -> Mapping[str, Images]:
        """The splits that there are, by name."""
        found = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: images for name, images in found.items() if images is not None}

    def map(self, change: Callable[[Images], Images]) -> Self:
        """Return these splits with each one changed."""
        test, validation = (None if images is None else change(images) for images in (self.test, self.validation))
        return replace(self, train=change(self.train), test=test, validation=validation)

    def check(self) -> None:
        """Make sure that a classifier can be trained and tested on them.

        Raises:
            DataError: A split is empty, has other classes than the rest, or images of another size;
                or there is one class only.
        """
        if empty := [name for name, images in self.named.items() if not len(images)]:
            raise DataError(f"There are no images in {' and '.join(empty)}; every split must hold images of every class.")
        if len(self.classes) < 2:
            raise DataError(f"All images are of the one class {self.classes[0]!r}, but there must be at least 2 to tell apart.")
        self._check_sizes()
        self._check_classes()

    def _check_sizes(self) -> None:
        for name, images in self.named.items():
            if images.shape != self.train.shape:
                raise DataError(
                    f"Images in train are {self.train.shape} (channels, height, width), but those in {name} are {images.shape}. "
                    "All must have the same size; to resize them, set `data.image_size`."
                )

    def _check_classes(self) -> None:
        n = len(self.classes)
        for name, images in self.named.items():
            low, high = int(images.labels.min()), int(images.labels.max())
            if low < 0 or high >= n:
                raise DataError(
                    f"Labels in {name} are from {low} to {high}, but must be from 0 to {n - 1}: there are {n} classes."
                )
        counts = {name: torch.bincount(images.labels, minlength=n).tolist() for name, images in self.named.items()}
        lacks = {name: [c for c, k in zip(self.classes, count, strict=True) if not k] for name, count in counts.items()}
        if lacks["train"] and len(lacks) == 1:
            raise DataError(f"There are no images of {_listed(lacks['train'])}; add some, or let `classes` name what there is.")
        if any(lacks.values()):
            what = "; ".join(f"{name} has none of {_listed(missing)}" for name, missing in lacks.items() if missing)
            raise DataError(f"The classes of the splits differ: {what}. Every split must hold images of every class.")


def moments(images: torch.Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel of (N, C, H, W) uint8, as of values in [0, 1]."""
    n = images.numel() // images.shape[1]
    total, squares = torch.zeros(2, images.shape[1], dtype=torch.float64)
    for start in range(0, len(images), 256):  # as floats, all at once would take four times the memory of the data set
        pixels = images[start : start + 256].float()
        total += pixels.sum(dim=(2, 3)).double().sum(dim=0)
        squares += pixels.square_().sum(dim=(2, 3)).double().sum(dim=0)
    mean = total / n
    std = (squares / n - mean**2).clamp_min(0).sqrt().clamp_min(1)
    return tuple((mean / 255).tolist()), tuple((std / 255).tolist())


def _listed(names: list[str], most: int = 8) -> str:
    """Write names in a row, the first few of them."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + rest
