"""What an image goes through before it reaches a network: said in each exported model, for whoever does it without Archsmith."""

from collections.abc import Mapping
from typing import Any, Literal

from archsmith.evaluation.data.resize import FILTER

MODES: Mapping[int, Literal["L", "RGB"]] = {1: "L", 3: "RGB"}
"""Pillow's mode of images by their number of channels."""


def preprocessing(input_shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return the steps from the file of an image to a network's input, in order, as JSON.

    Args:
        input_shape: Channels, height and width of the input.
    """
    channels, height, width = input_shape
    return {
        "orientation": "EXIF",  # of Pillow, `ImageOps.exif_transpose`
        "frame": "first",
        "transparency": "laid on white",
        "profile": "sRGB",
        "depth": "8 bits; 16 bits by their whole range",
        "mode": MODES.get(channels),
        "resize": {"height": height, "width": width, **FILTER},
        "divide_by": 255,
        "dtype": "float32",
        "range": [0, 1],
        "layout": "NCHW",
        "normalization": "none; the model does it",
    }
