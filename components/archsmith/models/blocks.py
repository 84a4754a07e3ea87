"""Layers that the networks of every space are put together from."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from archsmith.models.convolution import Conv2d


class Normalize(nn.Module):
    """Bring images in [0, 1] to zero mean and unit deviation, channel by channel.

    It is the first layer of every network, so that an exported model takes images as they are.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1).clamp_min(1e-3))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x`, (B, C, H, W)."""
        return (x - self.mean) / self.std


class ConvBlock(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int) -> None:
        super().__init__(
            Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )


class SeparableBlock(nn.Sequential):
    """Depthwise convolution and pointwise convolution, each with batch normalisation and ReLU (Howard 2017)."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_in, kernel, stride, padding=kernel // 2, groups=c_in, bias=False),
            nn.BatchNorm2d(c_in),
            nn.ReLU(inplace=True),
            nn.Conv2d(c_in, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )


class GlobalPool(nn.Module):
    """Mean over all positions."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C)."""
        return x.mean((2, 3))


def scaled(n: int, multiplier: float, *, divisor: int = 4) -> int:
    """Return `n * multiplier`, rounded to a multiple of `divisor`; at least one such multiple, and at most `n`."""
    return n if multiplier == 1 else min(n, max(divisor, round(n * multiplier / divisor) * divisor))
