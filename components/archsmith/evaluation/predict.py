"""Predictions of an exported model for image files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from archsmith.errors import DataError, ExportError, NotFoundError
from archsmith.evaluation.data import resize
from archsmith.evaluation.data.image_file import Picture, is_image, read_each, read_image
from archsmith.evaluation.data.tree import File, show, walk
from archsmith.evaluation.exported import open_model
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

    def top(self, k: int) -> list[tuple[str, float]]:
        """Return the `k` most probable classes and their probabilities, the most probable one first."""
        return sorted(self.probabilities.items(), key=lambda item: -item[1])[:k]


def predict(model: Path, images: Sequence[Path]) -> list[Prediction]:
    """Classify `images` with the exported model at `model`: a .pt2 archive, or ONNX.

    Images are read as those of a data set are, and brought to the number of channels and the size that the model was trained on.

    Raises:
        NotFoundError: There is no such model.
        ExportError: The file is no model of ours.
        DataError: A file is no image, or lies in S3, or the model takes none that a file can hold.
    """
    for path in (model, *images):
        if str(path).lower().startswith("s3:"):
            uri = f"s3://{str(path)[3:].lstrip('/')}"
            raise DataError(f"{uri} lies in S3, but predictions are made with files of this machine; copy it to here.")
    if not model.is_file():
        raise NotFoundError(f"There is no model at {str(model)!r}; `archsmith show NAME` says where a search has put its own.")
    try:
        network, about = open_model(model.read_bytes())
    except ExportError as error:
        raise ExportError(f"{show(model)}: {error}") from error
    shape, classes = tuple(about["input_shape"]), about["classes"]
    if shape[0] not in MODES:
        raise DataError(f"The model takes images of {shape[0]} channels, but those of a file have 1 (grey) or 3 (RGB).")
    images = find_images(images)
    found: list[Prediction] = []
    for start in range(0, len(images), BATCH):
        paths = images[start : start + BATCH]
        with torch.inference_mode():
            rows = network(read_inputs(paths, shape)).softmax(1).tolist()
        found += [
            Prediction(str(path), classes[int(np.argmax(row))], dict(zip(classes, row, strict=True)))
            for path, row in zip(paths, rows, strict=True)
        ]
    return found


def find_images(paths: Sequence[Path]) -> list[Path]:
    """Return the images that are meant: files as they are named, and for a folder the images in it and its sub-folders.

    Raises:
        DataError: A folder holds no image.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        files = [file.path for file in walk(path).files if is_image(file)]
        if not files:
            raise DataError(f"There are no images in the folder {show(path)}; look at its path.")
        found += files
    return found


def read_inputs(paths: Sequence[Path], shape: tuple[int, int, int]) -> torch.Tensor:
    """Read images for a model.

    Args:
        paths: Image files.
        shape: Channels (1 or 3), height and width that the model takes.

    Returns:
        (N, C, H, W), float32, in [0, 1].

    Raises:
        DataError: A file is no image, or is damaged.
    """
    channels, height, width = shape

    def read(path: Path) -> torch.Tensor:
        picture = read_image(File((path.name,), path, show(path)), MODES[channels])
        if not isinstance(picture, Picture):
            raise DataError(f"The file {show(path)} can't be classified: {picture}.")
        pixels = torch.from_numpy(picture.pixels.reshape(1, *picture.pixels.shape[:2], channels)).permute(0, 3, 1, 2)
        return resize(pixels, (height, width))[0]  # at once: photos as they are would fill the memory

    return torch.stack(read_each(read, paths)).float() / 255
