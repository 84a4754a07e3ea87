"""A folder of images a class."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from archsmith.errors import DataError
from archsmith.evaluation.data.dataset import Images, Splits
from archsmith.evaluation.data.resize import resize
from archsmith.spec import DataSpec

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Files that are read; others are passed over."""

SPLITS = {"train": "train", "test": "test", "validation": "validation", "val": "validation"}
"""Folders that hold a split, if there are no others beside them."""

GREY = frozenset({"1", "L", "LA"})
"""PIL's modes without colours."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    split: str
    label: int


def read_folder(spec: DataSpec, path: Path | None) -> Splits:
    """Read `path/CLASS/*`, or `path/train/CLASS/*` with `test` and perhaps `validation` beside `train`.

    Images have one channel if all of them are grey, and three (RGB) otherwise; transparency is dropped.

    Raises:
        DataError: The folder is missing or holds no images, one of them cannot be read, or they
            differ in size and no `image_size` is set.
    """
    assert path is not None
    classes, files = _files(path)
    with ThreadPoolExecutor() as pool:
        pixels = list(pool.map(lambda file: _pixels(file.path, spec.image_size), files))
    _check_sizes(files, pixels)
    channels = max(image.shape[0] for image in pixels)
    found = {}
    for split in dict.fromkeys(file.split for file in files):
        mine = [i for i, file in enumerate(files) if file.split == split]
        images = torch.stack([pixels[i].expand(channels, -1, -1) for i in mine])
        found[split] = Images(images, torch.tensor([files[i].label for i in mine]))
    return Splits(classes, **found)


def _files(root: Path) -> tuple[tuple[str, ...], list[_File]]:
    """Return the names of the classes, sorted, and the files of all splits."""
    if not root.is_dir():
        raise DataError(
            f"There is no folder {root.absolute()}; set `data.path` to a folder that holds a folder of images a class."
        )
    names = [folder.name for folder in _folders(root)]
    has_splits = "train" in names and SPLITS.keys() >= set(names)
    places = {folder: SPLITS[folder.name] for folder in _folders(root)} if has_splits else {root: "train"}
    classes = sorted({folder.name for place in places for folder in _folders(place)})
    files = [
        _File(file, split, classes.index(folder.name))
        for place, split in places.items()
        for folder in _folders(place)
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    ]
    if not any(file.split == "train" for file in files):
        where = " or ".join(f"{place}/CLASS/" for place, split in places.items() if split == "train")
        raise DataError(f"There are no images in {where}. Looked for files that end in {', '.join(sorted(SUFFIXES))}.")
    return tuple(classes), files


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pixels(path: Path, size: int | None) -> torch.Tensor:
    """Read an image as (C, H, W), uint8; resized here where a size is asked for, as photos would fill the memory."""
    try:
        with Image.open(path) as image:
            pixels = _array(image, path)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"The image {path} can't be read: {error}. Repair or remove it.") from error
    tensor = torch.from_numpy(pixels.copy())
    tensor = tensor.unsqueeze(0) if tensor.ndim == 2 else tensor.permute(2, 0, 1).contiguous()
    return tensor if size is None else resize(tensor.unsqueeze(0), size)[0]


def _array(image: Image.Image, path: Path) -> np.ndarray:
    if image.mode in {"I", "F"} or image.mode.startswith("I;"):
        raise DataError(f"The image {path} has PIL's mode {image.mode!r}, but must have 8 bits a channel; convert it.")
    if image.mode in GREY:
        return np.asarray(image.convert("L"))
    # By way of RGBA, as PIL warns of palettes that hold transparency otherwise.
    return np.asarray((image.convert("RGBA") if image.mode == "P" else image).convert("RGB"))


def _check_sizes(files: list[_File], pixels: list[torch.Tensor]) -> None:
    for file, image in zip(files, pixels, strict=True):
        if image.shape[1:] != pixels[0].shape[1:]:
            (a, b), (c, d) = pixels[0].shape[1:], image.shape[1:]
            raise DataError(
                f"{files[0].path} is {b} x {a} pixels, but {file.path} is {d} x {c}. "
                "All images must have the same size; to resize them, set `data.image_size`."
            )
