"""Smaller or larger images, by bilinear interpolation with antialiasing."""

import torch
import torch.nn.functional as F

from archsmith.evaluation.data.dataset import Images

SMALLEST = 4
"""Least height and width in pixels that a lower resolution leaves: less is no picture any more."""

FILTER = {"filter": "bilinear", "antialias": True}
"""How `resize` makes an image smaller or larger; that of Pillow's `Image.Resampling.BILINEAR`, up to rounding."""


def resize(images: torch.Tensor, size: int | tuple[int, int]) -> torch.Tensor:
    """Return images of another size.

    Args:
        images: (N, C, H, W), uint8.
        size: new height and width in pixels; one number for both.

    Returns:
        (N, C, *size), uint8.
    """
    size = (size, size) if isinstance(size, int) else size
    if tuple(images.shape[2:]) == size:
        return images
    # Without antialiasing, a smaller image would take single pixels and leave out those between.
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


def resized(images: Images, factor: float) -> Images:
    """Return `images` at a lower resolution: `factor` in (0, 1] times height and width, at least 4 pixels."""
    height, width = images.shape[1:]
    size = tuple(max(round(side * factor), min(side, SMALLEST)) for side in (height, width))
    return Images(resize(images.images, (size[0], size[1])), images.labels)
