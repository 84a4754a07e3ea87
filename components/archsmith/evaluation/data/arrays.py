"""Arrays of images and labels in one .npz file."""

import re
import zipfile
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch

from archsmith.errors import DataError, unknown
from archsmith.evaluation.data.dataset import Images, Numbered, Splits
from archsmith.evaluation.data.depth import dark, eight_bits
from archsmith.evaluation.data.labels import read_labels
from archsmith.evaluation.data.layout import split_named
from archsmith.machine.container import free_memory_bytes
from archsmith.spec import DataSpec
from archsmith.values.data_facts import SPLITS

NAMES = ("x", "y", "x_train", "y_train", "x_test", "y_test", "x_validation", "y_validation", "classes")
"""What the arrays are called here; `role` says what else they may be called."""

KINDS = {
    "x": ("x", "image", "images", "imgs", "data"),
    "y": ("y", "label", "labels", "target", "targets"),
}
CLASSES = ("classes", "class_names", "label_names", "target_names")

Arrays = Mapping[str, np.ndarray]
"""Arrays by their names here."""


def read_npz(spec: DataSpec, path: Path) -> Splits:
    """Read the arrays `x_train` and `y_train`, or `x` and `y`, and those that may be there beside them.

    Images are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 to 4 channels: uint8; booleans; whole numbers of another type
    from 0 to 255; uint16, whose whole range becomes that of 8 bits; or floats in [0, 1], rounded to 1/255. Labels are whole
    numbers from 0, or names of the classes. There may be test and validation arrays, and `classes`: the names of the
    classes, in the order of the labels. `train_images`, `val_labels` and the like mean the same.

    Raises:
        DataError: The file can't be read, or holds something else.
    """
    shown = spec.path if spec.path and "://" in spec.path else str(path)
    arrays, foreign = _named(_read(path, shown), shown)
    ends = {split: end for split in SPLITS for end in (f"_{split}", *([""] if split == "train" else [])) if f"x{end}" in arrays}
    images, warnings = _pixels({f"x{end}": arrays[f"x{end}"] for end in ends.values()}, shown)
    classes, labels = read_labels({f"y{end}": arrays[f"y{end}"] for end in ends.values()}, arrays.get("classes"), shown)
    for end in ends.values():
        if (n := len(images[f"x{end}"])) != (m := len(labels[f"y{end}"])):
            raise DataError(f"In {shown}, `x{end}` has {n} images, but `y{end}` {m} labels; there must be one for each.")
    splits = {
        split: Images(torch.from_numpy(images[f"x{end}"]), torch.from_numpy(labels[f"y{end}"])) for split, end in ends.items()
    }
    warnings += [f"The array {name!r} in {shown} is neither images nor labels, and was left out." for name in foreign]
    names = {split: Numbered(f"x{end}", range(len(splits[split]))) for split, end in ends.items()}
    return Splits(
        classes, splits["train"], splits.get("test"), splits.get("validation"), warnings=tuple(warnings), names=names
    )  # fmt: skip


def _read(path: Path, shown: str) -> dict[str, np.ndarray]:
    hint = "np.savez(path, x=images, y=labels) writes what is expected."
    try:
        with path.open("rb") as raw:
            begins = raw.read(12)
        if not zipfile.is_zipfile(path):
            raise DataError(f"The file {shown} is no .npz file: it {_kind(begins)}. {hint}")
        with zipfile.ZipFile(path) as archive:
            _check_fits(sum(info.file_size for info in archive.infolist()), shown)
        with np.load(path, allow_pickle=False) as file:
            return {name: _array(file, name, shown) for name in file.files}
    except DataError:
        raise
    except Exception as error:  # as for an array below
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise DataError(f"The file {shown} can't be read as an .npz file: {reason}. {hint}") from error


def _kind(begins: bytes) -> str:
    """Say what a file is that is no archive, by its first bytes."""
    if begins.startswith(b"\x93NUMPY"):
        return "holds a single array, as an .npy file does"
    if begins.startswith(b"PK\x03\x04"):
        return "is cut off, or damaged"
    return f"begins with {begins!r}" if begins else "is empty"


def _check_fits(size: int, shown: str) -> None:
    free = free_memory_bytes()
    if size > free:
        raise DataError(
            f"The arrays in {shown} take {size / 1e9:,.1f} GB, but {free / 1e9:,.1f} GB of memory are free here. "
            "Store fewer or smaller images, and as uint8; a file much smaller than its arrays may be made to fill the memory."
        )


def _array(file: "np.lib.npyio.NpzFile", name: str, shown: str) -> np.ndarray:
    try:
        array = file[name]
    except Exception as error:  # numpy raises whatever the damage leads it to
        if "allow_pickle" in str(error):
            raise DataError(
                f"The array {name!r} in {shown} holds Python objects, which are not read, as reading them may run code. "
                "Images of one size make one array with np.stack(images), and labels or names with np.array(list(labels))."
            ) from error
        reason = "it takes more memory than there is" if isinstance(error, MemoryError) else f"it is damaged ({error})"
        raise DataError(f"The array {name!r} in {shown} can't be read: {reason}. Write the file anew.") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"The file {shown} holds {name!r}, which is no array; an .npz file is written by np.savez.")
    return array


def role(name: str) -> str | None:
    """Return what an array is called here, by its name in a file: `x_train` for `train_images`; None where that is unknown."""
    words = re.split(r"[_. -]", name.lower())
    if name.lower() in CLASSES:
        return "classes"
    kinds = [kind for word in words for kind, names in KINDS.items() if word in names]
    splits = [split for word in words if (split := split_named(word))]
    if len(kinds) != 1 or len(kinds) + len(splits) != len(words) or len(splits) > 1:
        return None
    return "_".join([*kinds, *splits])


def _named(found: Arrays, shown: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the arrays by their names here, and the names of those that are something else."""
    arrays: dict[str, np.ndarray] = {}
    foreign = []
    for name, array in found.items():
        known = role(name)
        if known is None:
            if get_close_matches(name, NAMES, n=1, cutoff=0.8):
                raise DataError(f"{shown}: {unknown('array', name, NAMES)}")
            foreign.append(name)
        elif known in arrays:
            raise DataError(f"The file {shown} holds {', '.join(found)}, of which two mean `{known}`; keep one.")
        else:
            arrays[known] = array
    _check_pairs(arrays, ", ".join(sorted(found)) or "nothing", shown)
    return arrays, foreign


def _check_pairs(arrays: Arrays, held: str, shown: str) -> None:
    for name in arrays:
        pair = {"x": "y", "y": "x"}.get(name[0], "") + name[1:]
        if name != "classes" and pair not in arrays:
            raise DataError(f"The file {shown} holds {held}, and so {name!r}, but not {pair!r}; images and labels go together.")
    if ("x" in arrays) == ("x_train" in arrays):
        raise DataError(f"The file {shown} holds {held}, but must hold x_train and y_train, or else x and y.")


def _pixels(arrays: Arrays, shown: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return images as (N, C, H, W), uint8, and warnings. Whole numbers are scaled alike in all splits."""
    shaped = {name: _channels_first(name, x, shown) for name, x in arrays.items()}
    whole = {name: x for name, x in shaped.items() if x.dtype.kind in "iu" and x.dtype != np.uint8 and x.size}
    peak = max((int(x.max()) for x in whole.values()), default=0)
    deep = peak > 255 and all(x.dtype == np.uint16 for x in whole.values())
    made = {}
    for name, x in shaped.items():
        what = f"The array `{name}` of {shown}"
        if x.dtype == np.uint8 or not x.size:
            pixels = x.astype(np.uint8)
        elif x.dtype == bool:
            pixels = x.astype(np.uint8) * np.uint8(255)
        elif name in whole:
            pixels = eight_bits(x) if deep else _bytes(what, x, peak)
        elif x.dtype.kind == "f":
            pixels = _from_floats(what, x)
        else:
            raise DataError(f"{what} is {x.dtype}, but images are numbers; uint8, uint16, or floats in [0, 1].")
        made[name] = np.ascontiguousarray(pixels)
    return made, dark(peak) if deep else []


def _bytes(what: str, x: np.ndarray, peak: int) -> np.ndarray:
    low = int(x.min())
    if low < 0 or peak > 255:
        raise DataError(
            f"{what} is {x.dtype} with values from {low} to {peak}, but whole numbers must be from 0 to 255, or else uint16. "
            "Make them floats in [0, 1]: (x - low) / (high - low), with the least and the greatest value that there can be."
        )
    return x.astype(np.uint8)


def _from_floats(what: str, x: np.ndarray) -> np.ndarray:
    if not np.isfinite(x).all():
        where = int(np.argwhere(~np.isfinite(x))[0, 0])
        raise DataError(f"{what} has NaN or infinite values, the first of them in image {where}; remove or repair these images.")
    low, high = float(x.min()), float(x.max())
    if low < -1e-6 or high > 1 + 1e-6:
        how = (
            "x / 255"
            if low >= 0 and 1 < high <= 255
            else "(x - low) / (high - low), with the least and the greatest value that there can be"
        )
        raise DataError(f"{what} has floats from {low:g} to {high:g}, but must be in [0, 1]; scale it: {how}.")
    return np.round(x.clip(0, 1).astype(np.float32) * 255).astype(np.uint8)


def _channels_first(name: str, x: np.ndarray, shown: str) -> np.ndarray:
    if x.ndim == 3 and 0 not in x.shape[1:]:
        return x[:, None]
    first, last = (x.ndim == 4 and 1 <= x.shape[axis] <= 4 for axis in (1, 3))
    if first == last or 0 in x.shape[1:]:
        rule = "but must be (N, H, W), (N, H, W, C) or (N, C, H, W), with 1 to 4 channels and larger sides"
        raise DataError(f"The array `{name}` of {shown} has the shape {x.shape}, {rule}.")
    return x if first else x.transpose(0, 3, 1, 2)
