"""Random changes of training images, for whole batches at once.

The changes of an epoch are drawn first, one of each kind an image, and applied batch by batch. They are
drawn on the CPU wherever they are applied, so that a seed means the same on a GPU, and go there once an
epoch instead of once a batch.

They are written with `index_select` and products: on a CPU, these copy rows at once, where indexing by tensors,
`where` and `masked_fill` go pixel by pixel and take several times as long.

Reference:
    DeVries, Taylor, 2017, Improved Regularization of Convolutional Neural Networks with Cutout, arXiv:1708.04552.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F

Draws = Mapping[str, torch.Tensor]
"""Of each kind of change, what was drawn: an entry an image."""


def draw(kinds: Sequence[str], n: int, size: tuple[int, int], generator: torch.Generator) -> Draws:
    """Draw the changes of `n` images of height and width `size`; `kinds` are of `flip`, `crop` and `cutout`."""
    return {kind: _DRAW[kind](n, size, generator) for kind in kinds}


def augmented(x: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Apply the changes, in the order in which they were drawn.

    Args:
        x: (B, C, H, W), any dtype.
        draws: what `draw` returned for these images, on the device of `x`.

    Returns:
        The changed images, like `x`; pixels that come in from outside or are left out are 0.
    """
    for kind, drawn in draws.items():
        x = _APPLY[kind](x, drawn)
    return x


def shift_range(size: tuple[int, int]) -> tuple[int, int]:
    """Return the largest shift down and to the right, in pixels: an eighth of height and width."""
    return size[0] // 8, size[1] // 8


def _draw_flip(n: int, size: tuple[int, int], generator: torch.Generator) -> torch.Tensor:  # noqa: ARG001
    """Whether each image is flipped: (n,), bool."""
    return torch.rand(n, generator=generator) < 0.5


def _flip(x: torch.Tensor, flipped: torch.Tensor) -> torch.Tensor:
    n = len(x)
    return torch.cat((x, x.flip(3))).index_select(0, torch.arange(n, device=x.device) + n * flipped)


def _draw_pairs(n: int, ends: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """Two numbers an image, each uniform from 0 and below its end: (n, 2), int64."""
    return torch.stack([torch.randint(end, (n,), generator=generator) for end in ends], dim=1)


def _draw_crop(n: int, size: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """Row and column, in the padded image, of the upper left corner of what is cropped from it: (n, 2), int64."""
    down, right = shift_range(size)
    return _draw_pairs(n, (2 * down + 1, 2 * right + 1), generator)


def _crop(x: torch.Tensor, corner: torch.Tensor) -> torch.Tensor:
    batch, channels, height, width = x.shape
    down, right = shift_range((height, width))
    padded = F.pad(x, (right, right, down, down))
    # Where in memory each row of the result begins: (B, C, H)
    plane = torch.arange(batch * channels, device=x.device).view(batch, channels, 1) * padded.shape[2]
    row = plane + corner[:, :1, None] + torch.arange(height, device=x.device)
    start = row * padded.shape[3] + corner[:, 1:, None]
    # (M,) -> (M - W + 1, W), a view of every run of W pixels
    runs = padded.flatten().unfold(0, width, 1)
    return runs.index_select(0, start.flatten()).view_as(x)


def _draw_cutout(n: int, size: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """Row and column of the centre of what is left out, anywhere in the image: (n, 2), int64."""
    return _draw_pairs(n, size, generator)


def _cutout(x: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    """Leave out a square of half the side; near the border, less of it lies in the image, as in the paper."""
    rows, columns = (_within(centre[:, axis, None], x.shape[2 + axis]) for axis in (0, 1))
    left_out = rows[:, :, None] & columns[:, None, :]
    return x * left_out.logical_not_().to(x.dtype)[:, None]


def _within(centre: torch.Tensor, side: int) -> torch.Tensor:
    """Which of `side` pixels lie within a quarter of it around the centre: (B, 1) -> (B, side), bool."""
    offset = torch.arange(side, device=centre.device) - centre + side // 4
    return (offset >= 0) & (offset < side // 2)


_DRAW: Mapping[str, Callable[[int, tuple[int, int], torch.Generator], torch.Tensor]] = {
    "flip": _draw_flip,
    "crop": _draw_crop,
    "cutout": _draw_cutout,
}
_APPLY: Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {"flip": _flip, "crop": _crop, "cutout": _cutout}
