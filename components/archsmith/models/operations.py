"""The primitives of the field: layers from any number of channels to any other, at any stride.

A convolution is ReLU, convolution, batch normalisation, in this order, so that a node may sum what comes
out of several. Each primitive divides height and width by its stride and rounds up, on images of any size.

Reference: Zoph, Vasudevan, Shlens, Le 2018, Learning Transferable Architectures for Scalable Image
Recognition (arXiv:1707.07012), section 3; Liu, Simonyan, Yang 2019, DARTS (arXiv:1806.09055), section 3;
Hu, Shen, Sun 2018, Squeeze-and-Excitation Networks (arXiv:1709.01507).

Deviations: the poolings have no normalisation of their own, as in DARTS' networks that are trained in full;
primitives that keep their channels in the papers (pooling, identity, squeeze-and-excitation) are given a
1x1 convolution where the number changes.
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.models.convolution import Conv2d

Operation = Callable[[int, int, int], nn.Module]
"""From channels in, channels out and stride to a layer, (B, C_in, H, W) -> (B, C_out, ceil(H / stride), ceil(W / stride))."""


class ReluConvBn(nn.Sequential):
    """ReLU, convolution, batch normalisation."""

    def __init__(self, c_in: int, c_out: int, stride: int, *, kernel: int) -> None:
        super().__init__(
            nn.ReLU(),
            Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(c_out),
        )


class DilConv(nn.Sequential):
    """Depthwise convolution with holes, then a pointwise one: a kernel of 3 sees 5 pixels, one of 5 sees 9."""

    def __init__(self, c_in: int, c_out: int, stride: int, *, kernel: int, dilation: int = 2) -> None:
        reach = dilation * (kernel // 2)
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(c_in, c_in, kernel, stride, padding=reach, dilation=dilation, groups=c_in, bias=False),
            nn.Conv2d(c_in, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
        )


class SepConv(nn.Sequential):
    """Depthwise-separable convolution, applied twice; the first has the stride."""

    def __init__(self, c_in: int, c_out: int, stride: int, *, kernel: int) -> None:
        super().__init__(
            *DilConv(c_in, c_in, stride, kernel=kernel, dilation=1),
            *DilConv(c_in, c_out, 1, kernel=kernel, dilation=1),
        )


class FlatConvs(nn.Sequential):
    """A convolution of 1 x kernel and one of kernel x 1, which together see as much as a square one."""

    def __init__(self, c_in: int, c_out: int, stride: int, *, kernel: int) -> None:
        half = kernel // 2
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(c_in, c_out, (1, kernel), (1, stride), padding=(0, half), bias=False),
            nn.Conv2d(c_out, c_out, (kernel, 1), (stride, 1), padding=(half, 0), bias=False),
            nn.BatchNorm2d(c_out),
        )


class FactorizedReduce(nn.Module):
    """Shrink the image with two pointwise convolutions, the second shifted by a pixel, so that the two see more of it.

    On images of odd sides, the shifted one sees zeros beyond the border.
    """

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        half = (c_out + 1) // 2
        self.straight = Conv2d(c_in, half, 1, stride, bias=False)
        # A single channel leaves none to shift.
        self.shifted = Conv2d(c_in, c_out - half, 1, stride, bias=False) if c_out > half else None
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, ceil(H / stride), ceil(W / stride))."""
        x = F.relu(x)
        y = self.straight(x)
        if self.shifted is not None:
            y = torch.cat([y, self.shifted(F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:])], 1)
        return self.norm(y)  # type: ignore[no-any-return]


class Zero(nn.Module):
    """No connection: zeros of the shape that a layer would give."""

    def __init__(self, c_out: int, stride: int) -> None:
        super().__init__()
        self.c_out = c_out
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, ceil(H / stride), ceil(W / stride))."""
        s = self.stride
        return x[:, :1, ::s, ::s].mul(0.0).expand(-1, self.c_out, -1, -1)


class SqueezeExcite(nn.Module):
    """Weigh each channel by a factor in (0, 1) that two dense layers find from the means of all channels."""

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        # The paper's networks have 64 to 2048 channels; in a small one, a sixteenth would be a unit or two.
        squeezed = max(channels // reduction, min(channels, 4))
        self.squeeze = nn.Linear(channels, squeezed)
        self.excite = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        weights = self.excite(F.relu(self.squeeze(x.mean((2, 3)))))
        return x * torch.sigmoid(weights)[:, :, None, None]


def projection(c_in: int, c_out: int) -> nn.Sequential:
    """Return a 1x1 convolution with batch normalisation, and nothing where the numbers of channels agree."""
    if c_in == c_out:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out))


def zero(c_in: int, c_out: int, stride: int) -> nn.Module:  # noqa: ARG001  (all operations are called alike)
    """Return a layer of zeros."""
    return Zero(c_out, stride)


def identity(c_in: int, c_out: int, stride: int) -> nn.Module:
    """Return nothing, or the cheapest layer that changes what is to change."""
    if stride > 1:
        return FactorizedReduce(c_in, c_out, stride)
    return nn.Identity() if c_in == c_out else ReluConvBn(c_in, c_out, 1, kernel=1)


def max_pool(c_in: int, c_out: int, stride: int, *, kernel: int) -> nn.Module:
    """Return a max pooling, with a projection where the number of channels changes."""
    return nn.Sequential(nn.MaxPool2d(kernel, stride, padding=kernel // 2), *projection(c_in, c_out))


def avg_pool(c_in: int, c_out: int, stride: int, *, kernel: int) -> nn.Module:
    """Return an average pooling that counts no pixels beyond the border, with a projection as `max_pool` has."""
    pool = nn.AvgPool2d(kernel, stride, padding=kernel // 2, count_include_pad=False)
    return nn.Sequential(pool, *projection(c_in, c_out))


def squeeze_excite(c_in: int, c_out: int, stride: int) -> nn.Module:
    """Return a squeeze-and-excitation, after a 1x1 convolution where channels or sides change."""
    gate = SqueezeExcite(c_out)
    return gate if c_in == c_out and stride == 1 else nn.Sequential(ReluConvBn(c_in, c_out, stride, kernel=1), gate)


OPERATIONS: Mapping[str, Operation] = {
    "none": zero,
    "identity": identity,
    "skip_connect": identity,
    "conv_1x1": partial(ReluConvBn, kernel=1),
    "conv_3x3": partial(ReluConvBn, kernel=3),
    "conv_5x5": partial(ReluConvBn, kernel=5),
    "conv_1x3_3x1": partial(FlatConvs, kernel=3),
    "conv_7x1_1x7": partial(FlatConvs, kernel=7),
    "sep_conv_3x3": partial(SepConv, kernel=3),
    "sep_conv_5x5": partial(SepConv, kernel=5),
    "sep_conv_7x7": partial(SepConv, kernel=7),
    "dil_conv_3x3": partial(DilConv, kernel=3),
    "dil_conv_5x5": partial(DilConv, kernel=5),
    "max_pool_3x3": partial(max_pool, kernel=3),
    "max_pool_5x5": partial(max_pool, kernel=5),
    "max_pool_7x7": partial(max_pool, kernel=7),
    "avg_pool_3x3": partial(avg_pool, kernel=3),
    "se": squeeze_excite,
}
"""Every primitive by the field's name for it."""
