"""Arrays of images and labels in one .npz file."""

import zipfile
from pathlib import Path

import numpy as np
import torch

from archsmith.errors import DataError, unknown
from archsmith.evaluation.data.dataset import Images, Splits
from archsmith.spec import DataSpec

ARRAYS = ("x", "y", "x_train", "y_train", "x_test", "y_test", "x_validation", "y_validation", "classes")

Arrays = dict[str, np.ndarray]


def read_npz(spec: DataSpec, path: Path | None) -> Splits:  # noqa: ARG001
    """Read the arrays `x_train` and `y_train`, or `x` and `y`, and those that may be there beside them.

    Images are (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 to 4 channels, of uint8, or of floats in
    [0, 1] that are rounded to 1/255. Labels are whole numbers from 0. There may be test and validation
    arrays, and `classes`: the names of the classes, in the order of the labels.

    Raises:
        DataError: The file is missing, cannot be read, or holds something else.
    """
    assert path is not None
    arrays = _read(path)
    suffix = {"train": "_train" if "x_train" in arrays else "", "test": "_test", "validation": "_validation"}
    splits = {name: _split(arrays, end, path) for name, end in suffix.items() if f"x{end}" in arrays}
    return Splits(_classes(arrays, splits["train"]), splits["train"], splits.get("test"), splits.get("validation"))


def _read(path: Path) -> Arrays:
    if not path.is_file():
        raise DataError(
            f"There is no file {path.absolute()}; set `data.path` to an .npz file, of this machine or s3://bucket/key."
        )
    try:
        with path.open("rb") as raw:  # np.load leaves a file open that it has opened and can't read
            file = np.load(raw, allow_pickle=False)
            if isinstance(file, np.ndarray):
                raise ValueError("it is a single array")
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"The file {path} can't be read as an .npz file of plain arrays: {error}") from error
    _check_names(arrays, path)
    return arrays


def _check_names(arrays: Arrays, path: Path) -> None:
    for name in arrays:
        if name not in ARRAYS:
            raise DataError(f"{path}: {unknown('array', name, ARRAYS)}")
        pair = {"x": "y", "y": "x"}.get(name[0], "") + name[1:]
        if name != "classes" and pair not in arrays:
            raise DataError(f"The file {path} holds the array {name!r}, but not {pair!r}; images and labels go together.")
    if ("x" in arrays) == ("x_train" in arrays):
        held = ", ".join(sorted(arrays)) or "nothing"
        raise DataError(f"The file {path} holds {held}, but must hold x_train and y_train, or else x and y.")


def _split(arrays: Arrays, end: str, path: Path) -> Images:
    images, labels = _pixels(f"x{end}", arrays[f"x{end}"], path), _labels(f"y{end}", arrays[f"y{end}"], path)
    if len(images) != len(labels):
        raise DataError(
            f"In {path}, `x{end}` has {len(images)} images, but `y{end}` {len(labels)} labels; there must be one for each."
        )
    return Images(torch.from_numpy(images), torch.from_numpy(labels))


def _pixels(name: str, x: np.ndarray, path: Path) -> np.ndarray:
    """Return images as (N, C, H, W), uint8."""
    x = _channels_first(name, x, path)
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    what = f"The array `{name}` of {path}"
    if not np.issubdtype(x.dtype, np.floating):
        raise DataError(f"{what} is {x.dtype}, but must be uint8, or floats in [0, 1]; convert it with .astype('uint8').")
    if not np.isfinite(x).all():
        where = int(np.argwhere(~np.isfinite(x))[0, 0])
        raise DataError(f"{what} has NaN or infinite values, the first of them in image {where}; remove or repair these images.")
    if x.size and (x.min() < 0 or x.max() > 1):
        raise DataError(
            f"{what} has floats from {x.min():g} to {x.max():g}, but must be in [0, 1]; scale it, or store it as uint8."
        )
    return np.ascontiguousarray(np.round(x * 255).astype(np.uint8))


def _channels_first(name: str, x: np.ndarray, path: Path) -> np.ndarray:
    if x.ndim == 3:
        return x[:, None]
    first, last = (x.ndim == 4 and 1 <= x.shape[axis] <= 4 for axis in (1, 3))
    if first == last:
        rule = "but must be (N, H, W), (N, H, W, C) or (N, C, H, W), with 1 to 4 channels and larger sides"
        raise DataError(f"The array `{name}` of {path} has the shape {x.shape}, {rule}.")
    return x if first else x.transpose(0, 3, 1, 2)


def _labels(name: str, y: np.ndarray, path: Path) -> np.ndarray:
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        raise DataError(
            f"The array `{name}` of {path} is {y.dtype} of shape {y.shape}, but must be (N,), integers from 0; "
            "names of classes go into the array `classes`."
        )
    return y.astype(np.int64)


def _classes(arrays: Arrays, train: Images) -> tuple[str, ...]:
    if "classes" in arrays:
        return tuple(map(str, arrays["classes"].tolist()))
    return tuple(map(str, range(max(int(train.labels.max()) + 1, 1) if len(train) else 0)))
