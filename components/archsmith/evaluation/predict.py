"""Predictions of an exported model for image files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from archsmith.errors import DataError, NotFoundError
from archsmith.evaluation.export import predict_pt2, read_metadata


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

    Images are brought to the number of channels and the size that the model was trained on.

    Raises:
        NotFoundError: There is no such model.
        ExportError: The file is no model of ours.
        DataError: A file is no image.
    """
    if not model.is_file():
        raise NotFoundError(f"There is no model at {str(model)!r}; `archsmith show NAME` says where a search has put its own.")
    content = model.read_bytes()
    about = read_metadata(content)
    batch = torch.stack([_read(path, tuple(about["input_shape"])) for path in images])
    probabilities = torch.from_numpy(predict_pt2(content, batch)).softmax(1).tolist()
    classes = about["classes"]
    return [
        Prediction(str(path), classes[int(np.argmax(row))], dict(zip(classes, row, strict=True)))
        for path, row in zip(images, probabilities, strict=True)
    ]


def _read(path: Path, shape: tuple[int, int, int]) -> torch.Tensor:
    """Read an image as float32 in [0, 1], (C, H, W)."""
    channels, height, width = shape
    try:
        with Image.open(path) as image:
            fitting = image.convert("L" if channels == 1 else "RGB").resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, UnidentifiedImageError) as error:
        raise DataError(f"{str(path)!r} can't be read as an image: {error}") from error
    array = np.array(fitting, dtype=np.float32) / 255
    return torch.from_numpy(array.reshape(height, width, channels)).permute(2, 0, 1)
