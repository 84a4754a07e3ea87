"""Small versions of images, in which whole data sets can be compared."""

import torch
import torch.nn.functional as F

CHUNK_PIXELS = 2**24
"""Values that are shrunk at once: as floats, all images of a data set could take more memory than there is."""

FLAT = 2.0
"""Standard deviation, in levels of 255, below which there is nothing to see in an image."""


def small(images: torch.Tensor, side: int) -> torch.Tensor:
    """Return images at most `side` pixels high and wide, by averaging: (N, C, H, W), uint8 -> (N, C, h, w), float32."""
    size = (min(side, images.shape[2]), min(side, images.shape[3]))
    step = max(1, CHUNK_PIXELS // max(1, images[0].numel()))
    return torch.cat([F.adaptive_avg_pool2d(images[k : k + step].float(), size) for k in range(0, len(images), step)])


def normalised(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images as rows of mean 0 and deviation 1, so that neither brightness nor contrast counts.

    Args:
        images: (N, C, H, W), float32, in levels of 255.

    Returns:
        (N, C·H·W), float32: rows whose mean square is 1, so that the mean square difference of two is 2 - 2 times their
        correlation; and which of them have anything to see, (N,), bool. The others are zeros.
    """
    rows = images.flatten(1)
    rows = rows - rows.mean(1, keepdim=True)
    deviation = rows.square().mean(1).sqrt()
    seen = deviation >= FLAT
    return rows / torch.where(seen, deviation, torch.inf)[:, None], seen
