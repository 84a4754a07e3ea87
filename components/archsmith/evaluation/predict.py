"""Predictions of an exported model for image files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from archsmith.errors import DataError, NotFoundError
from archsmith.evaluation.data import resize
from archsmith.evaluation.export import open_pt2
from archsmith.evaluation.preprocessing import MODES

BATCH = 256
"""Images that are read and classified at a time."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model makes of an image."""

    image: str
    """The image's path."""
    label: str
    """The most probable class."""
    probabilities: Mapping[str, float]
    """By class."""


def predict(model: Path, images: Sequence[Path]) -> list[Prediction]:
    """Classify `images` with the .pt2 archive at `model`.

    Images are brought to the number of channels and the size that the model was trained on, as those of a data set are.

    Raises:
        NotFoundError: There is no such model.
        ExportError: The file is no model of ours.
        DataError: A file is no image, or the model takes none that a file can hold.
    """
    if not model.is_file():
        raise NotFoundError(f"There is no model at {str(model)!r}; `archsmith show NAME` says where a search has put its own.")
    network, about = open_pt2(model.read_bytes())
    shape, classes = tuple(about["input_shape"]), about["classes"]
    if shape[0] not in MODES:
        raise DataError(f"The model takes images of {shape[0]} channels, but those of a file have 1 (grey) or 3 (RGB).")
    found: list[Prediction] = []
    for start in range(0, len(images), BATCH):
        paths = images[start : start + BATCH]
        with torch.inference_mode():
            rows = network(torch.stack([_read(path, shape) for path in paths])).softmax(1).tolist()
        found += [
            Prediction(str(path), classes[int(np.argmax(row))], dict(zip(classes, row, strict=True)))
            for path, row in zip(paths, rows, strict=True)
        ]
    return found


def _read(path: Path, shape: tuple[int, int, int]) -> torch.Tensor:
    """Read an image as (C, H, W), float32, in [0, 1]."""
    channels, height, width = shape
    try:
        with Image.open(path) as image:
            pixels = _pixels(image, MODES[channels])
    except (OSError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "it is no image, or it is damaged"
        raise DataError(f"The image {str(path)!r} can't be read: {reason}.") from error
    if pixels is None:
        raise DataError(f"The image {str(path)!r} must have 8 bits a channel; convert it.")
    whole = torch.from_numpy(pixels.reshape(1, *pixels.shape[:2], channels)).permute(0, 3, 1, 2)
    return resize(whole, (height, width))[0].float() / 255


def _pixels(image: Image.Image, mode: str) -> np.ndarray | None:
    """Return (H, W) or (H, W, C), uint8; None where that would lose bits. Transparency is dropped."""
    if image.mode in {"I", "F"} or image.mode.startswith("I;"):
        return None
    # By way of RGBA, as PIL warns of palettes that hold transparency otherwise.
    return np.array((image.convert("RGBA") if image.mode == "P" else image).convert(mode))
