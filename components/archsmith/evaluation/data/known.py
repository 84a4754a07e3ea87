"""The data sets that are known by name: digits, Fashion-MNIST and CIFAR-10.

Digits come with scikit-learn. The other two are looked for on this machine first, and downloaded by
torchvision only where there is none. scikit-learn and torchvision are imported where they are
needed: each takes a second or two, and a trial that reads local files needs neither.

Reference:
    Xiao, Rasul, Vollgraf, 2017, Fashion-MNIST, arXiv:1708.07747. Krizhevsky, 2009, Learning Multiple
    Layers of Features from Tiny Images.
"""

import gzip
import math
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from archsmith.errors import DataError
from archsmith.evaluation.data.dataset import Images, Splits
from archsmith.machine.local_files import is_remote
from archsmith.spec import DataSpec

SYSTEM_ROOTS = (Path("/usr/share/datasets"),)
"""Where a Linux distribution's packages put data sets; Debian's `dataset-fashion-mnist` does."""

FASHION_MNIST_FOLDERS = ("FashionMNIST/raw", "fashion-mnist", ".")
"""Where its files may lie under a root: as torchvision puts them, as Debian does, and without a folder."""

MOST_BYTES = 1_000_000_000
"""Bytes that no file of these data sets has."""

FASHION_MNIST_CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def read_digits(spec: DataSpec, path: Path | None) -> Splits:  # noqa: ARG001
    """Read scikit-learn's 1797 digits of 8 x 8 pixels, which have no splits of their own."""
    from sklearn.datasets import load_digits

    raw = load_digits()
    pixels = np.round(raw.images * (255 / 16)).astype(np.uint8)
    return Splits(tuple(map(str, raw.target_names)), _images(pixels[:, None], raw.target))


def read_fashion_mnist(spec: DataSpec, path: Path | None, *, system: Iterable[Path] = SYSTEM_ROOTS) -> Splits:
    """Read Fashion-MNIST from the four idx files, compressed or not, wherever they lie under the root.

    Args:
        spec: says whether they may be downloaded.
        path: the root; ARCHSMITH_DATA, or else ./data, where it is None.
        system: more roots to look in, never written to.

    Raises:
        DataError: They are not there and cannot be downloaded, or they are damaged.
    """
    root = _root(path)
    folders = [base / folder for base, folder in product((root, *system), FASHION_MNIST_FOLDERS)]
    found = next((folder for folder in folders if _idx_file(folder, "train-images-idx3-ubyte")), None)
    if found is None:
        hint = "install Debian's package dataset-fashion-mnist"
        fetch = partial(_torchvision("FashionMNIST"), download=True)
        _download("Fashion-MNIST", fetch, root, spec, looked_in=folders, hint=hint)
        found = folders[0]
    train, test = (_idx_images(found, prefix) for prefix in ("train", "t10k"))
    return Splits(FASHION_MNIST_CLASSES, train, test)


def read_cifar10(spec: DataSpec, path: Path | None, *, reader: Callable[..., Any] | None = None) -> Splits:
    """Read CIFAR-10 from the folder `cifar-10-batches-py`, which may be the root itself.

    Args:
        spec: says whether it may be downloaded.
        path: the root; ARCHSMITH_DATA, or else ./data, where it is None.
        reader: torchvision's `CIFAR10`, or one that is called alike.

    Raises:
        DataError: It is not there and cannot be downloaded, or it is damaged.
    """
    reader = reader or _torchvision("CIFAR10")
    root = _root(path)
    root = root.parent if root.name == "cifar-10-batches-py" else root
    folder = root / "cifar-10-batches-py"
    if not folder.is_dir():
        hint = f"unpack cifar-10-python.tar.gz into {root}"
        fetch = partial(reader, download=True)
        _download("CIFAR-10", fetch, root, spec, looked_in=[folder], hint=hint)
    try:
        train, test = reader(root, train=True), reader(root, train=False)
    except RuntimeError as error:
        raise DataError(f"The files in {folder} are damaged or not those of CIFAR-10; remove them and try again.") from error
    pixels = [np.ascontiguousarray(half.data.transpose(0, 3, 1, 2)) for half in (train, test)]
    return Splits(tuple(train.classes), _images(pixels[0], train.targets), _images(pixels[1], test.targets))


def _images(pixels: np.ndarray, labels: Any) -> Images:
    return Images(torch.from_numpy(pixels), torch.from_numpy(np.asarray(labels, dtype=np.int64)))


def _root(path: Path | None) -> Path:
    return path or Path(os.environ.get("ARCHSMITH_DATA") or "data").expanduser()


def _idx_file(folder: Path, name: str) -> Path | None:
    return next((file for file in (folder / name, folder / f"{name}.gz") if file.is_file()), None)


def _idx_images(folder: Path, prefix: str) -> Images:
    pixels = _read_idx(folder, f"{prefix}-images-idx3-ubyte", axes=3)
    labels = _read_idx(folder, f"{prefix}-labels-idx1-ubyte", axes=1)
    if len(pixels) != len(labels):
        raise DataError(
            f"The files {prefix}-* in {folder} hold {len(pixels)} images, but {len(labels)} labels; take both from one source."
        )
    return _images(pixels[:, None], labels)


def _read_idx(folder: Path, name: str, *, axes: int) -> np.ndarray:
    """Read an idx file of bytes: two zeros, the type 8, the number of axes, their lengths as big-endian int32, the bytes.

    torchvision's reader takes no compressed files, and a read-only root has no place to unpack them in.
    """
    file = _idx_file(folder, name)
    if file is None:
        raise DataError(f"There is neither {name} nor {name}.gz in {folder}, which holds other files of the data set; add it.")
    try:
        raw = _unpacked(file) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"The file {file} can't be read: {error}. Remove it and try again.") from error
    shape = [int.from_bytes(raw[4 * axis : 4 * axis + 4]) for axis in range(1, axes + 1)]
    if raw[:4] != bytes((0, 0, 8, axes)) or len(raw) != 4 + 4 * axes + math.prod(shape):
        raise DataError(f"The file {file} is damaged: not an idx file of bytes with {axes} axes. Remove it and try again.")
    return np.frombuffer(bytearray(raw), np.uint8, offset=4 + 4 * axes).reshape(shape)


def _unpacked(file: Path) -> bytes:
    """Unpack a file; a small one may be made to fill the memory."""
    with gzip.open(file) as unpacked:
        raw = unpacked.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise DataError(
            f"The file {file} unpacks to more than {MOST_BYTES / 1e9:g} GB, so it is none of the data set; remove it."
        )
    return raw


def _torchvision(name: str) -> Callable[..., Any]:
    import torchvision.datasets

    reader: Callable[..., Any] = getattr(torchvision.datasets, name)
    return reader


def _download(
    what: str, fetch: Callable[[Path], object], root: Path, spec: DataSpec, *, looked_in: Iterable[Path], hint: str
) -> None:
    """Download a data set into `root`, file by file whole: a killed or a second download leaves no half ones."""
    if spec.path is not None and is_remote(spec.path, "data.path"):  # then `root` is a part of the cache
        raise DataError(f"{what} was not found below {spec.path}; put its files there, or leave `data.path` out.")
    missing = f"{what} was not found. Looked in: {', '.join(map(str, looked_in))}."
    hint = f"{hint[0].upper()}{hint[1:]}, or set `data.path` or ARCHSMITH_DATA to where it lies."
    if not spec.download:
        raise DataError(f"{missing} A download is ruled out by `data.download: false`. {hint}")
    made = [folder for folder in (root, *root.parents) if not folder.exists()]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as there:
            with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):  # its progress bar would garble a log
                fetch(Path(there))
            for file in sorted(Path(there).rglob("*")):
                if file.is_file() and file.suffix != ".gz":
                    target = root / file.relative_to(there)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(target)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):  # what was there before stays, and what is not empty
            for folder in made:
                folder.rmdir()
        raise DataError(f"{missing} The download to {root} failed: {error}. {hint}") from error
