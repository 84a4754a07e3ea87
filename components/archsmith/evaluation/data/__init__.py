"""Data sets: labelled images, read from wherever they lie and split in three.

`load` reads what the search file's section `data` asks for. A reader, one a format, returns the
splits that the source has; what is missing is split off here, so that it is done alike for all.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from archsmith.errors import DataError
from archsmith.evaluation.data.arrays import read_npz
from archsmith.evaluation.data.cleaning import fit
from archsmith.evaluation.data.dataset import Dataset, Images, Splits, moments
from archsmith.evaluation.data.depth import black
from archsmith.evaluation.data.fingerprint import check_differ, digest_of, marks_of
from archsmith.evaluation.data.folder import read_folder
from archsmith.evaluation.data.known import read_cifar10, read_digits, read_fashion_mnist
from archsmith.evaluation.data.parts import Share, parted
from archsmith.evaluation.data.remote import Cache
from archsmith.evaluation.data.resize import resize, resized
from archsmith.evaluation.data.stratify import shuffled, split, subset
from archsmith.evaluation.data.tree import Tree, walk
from archsmith.machine.local_files import find, is_remote
from archsmith.spec import DataSpec

__all__ = ["READERS", "Cache", "Dataset", "Images", "Splits", "load", "resize", "resized", "shuffled", "split", "subset"]

Reader = Callable[[DataSpec, Any], Splits]
"""Reads what the search file says from where it lies: a file or folder of this machine, or for `folder` a tree of files."""

READERS: Mapping[str, Reader] = {
    "digits": read_digits,
    "fashion-mnist": read_fashion_mnist,
    "cifar10": read_cifar10,
    "npz": read_npz,
    "folder": read_folder,
}
"""The reader of each data set or format, by its name in the search file."""


def load(
    spec: DataSpec, *, seed: int, fetch: Cache | None = None, beside: Path | None = None, validation: Share | None = None
) -> Dataset:
    """Read a data set, and set validation and test images aside where it has none of its own.

    Args:
        spec: the section `data` of the search file.
        seed: seed of the validation split; the test split does not depend on it.
        fetch: brings a `path` that is an s3:// URI to this machine.
        beside: the folder of the search file; a relative `path` that is not in the working directory is looked for there.
        validation: says how many of the images are set aside for validation, if it is not the share in `spec`.

    Raises:
        DataError: The data are missing, or no classifier can be trained and tested on them.
    """
    splits = READERS[spec.name](spec, _source(spec, fetch, beside))
    marks = splits.fingerprints or {name: marks_of(images.images) for name, images in splits.named.items()}
    splits = replace(splits, fingerprints=marks)
    if (size := spec.image_size) is not None:
        splits = splits.map(lambda images: Images(resize(images.images, size), images.labels))
    if spec.clean:
        splits = fit(splits)
    splits.check()
    _check_enough(splits)
    marks, labels = dict(splits.fingerprints), {name: images.labels.tolist() for name, images in splits.named.items()}
    check_differ(splits.classes, marks, labels)
    parts, kept, left_out = parted(splits, spec, seed=seed, validation=validation)
    marks["train"], labels["train"] = ([each["train"][k] for k in kept.tolist()] for each in (marks, labels))
    mean, std = moments(parts["train"].images.images)
    return Dataset(
        parts["train"].images, parts["validation"].images, parts["test"].images, splits.classes, mean, std,
        own=tuple(splits.named), left_out=splits.left_out, digest=digest_of(splits.classes, marks, labels),
        warnings=(*splits.warnings, *black(int(splits.train.images.max()))), findings=(*splits.findings, *left_out),
        names={split: part.names for split, part in parts.items()}, clean=spec.clean,
    )  # fmt: skip


def _check_enough(splits: Splits) -> None:
    """Make sure that each class has an image for every split, those that are split off included."""
    held = [name for name in ("test", "validation") if name not in splits.named]
    counts = torch.bincount(splits.train.labels, minlength=len(splits.classes)).tolist()
    if min(counts) < 1 + len(held):
        few, n = splits.classes[counts.index(min(counts))], min(counts)
        parts = f"{', '.join(['training', *held[:-1]])} and {held[-1]}"
        raise DataError(
            f"The class {few!r} has {n} image{'s' * (n > 1)} to be split into {parts}, but needs at least {1 + len(held)}, "
            "one for each; add images of it, or remove it, or set `data.clean: true`, which leaves it out."
        )


def _source(spec: DataSpec, fetch: Cache | None, beside: Path | None) -> Path | Tree | None:
    """Return where the data lie on this machine: for a folder of images all files in it."""
    if spec.path is None:
        return None
    if not is_remote(spec.path, "data.path"):
        path = find(spec.path, "data.path", beside, required=spec.name in {"npz", "folder"})  # others may be downloaded there
        return walk(path) if spec.name == "folder" else path
    if fetch is None:
        raise DataError(f"The data lie at {spec.path}, but nothing was given to fetch them with; pass `fetch`, or a local path.")
    if spec.name == "folder":
        return fetch.tree(spec.path)
    return fetch.file(spec.path) if spec.name == "npz" else fetch.folder(spec.path)
