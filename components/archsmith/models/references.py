"""Simple networks that a search has to beat: a linear model on the pixels, and a small residual network.

Reference: He, Zhang, Ren, Sun 2016, Deep Residual Learning for Image Recognition (arXiv:1512.03385), section 4.2: the networks
for CIFAR-10, which are three stages of n blocks each of two 3x3 convolutions, and halve the image and double the channels
between them.

Deviations: where shapes change, the shortcuts are projections (option B), and the paper's pad with zeros (A). The number of
channels is chosen so that the network is as large as the one that it is held against; where that one computes less on large
images, the first convolution has a stride, as in the paper's networks for ImageNet.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.models.blocks import GlobalPool, Normalize
from archsmith.models.convolution import Conv2d
from archsmith.models.cost import Cost
from archsmith.models.parts import Parts
from archsmith.values.references import ReferenceName

Shape = tuple[int, int, int]
"""Channels, height and width of an image."""

WIDTHS = (*range(2, 16), *range(16, 64, 4), *range(64, 513, 8))
"""Channels that a residual network may begin with."""
BLOCKS = (1, 2, 3)
"""Blocks that a stage may have."""
STRIDES = (1, 2, 4, 8)
"""Strides that its first convolution may have."""
SMALLEST = 4
"""Pixels of the shorter side that a first convolution with a stride leaves at least."""
MORE = 1.1
"""Times the other network's parameters and multiply-adds that a residual network may have."""
NEAR = 0.2
"""Difference of the logarithms of two sizes that counts for nothing: among those as near, the one that computes more is taken."""
GAIN = 4.0
"""With it, a linear model learns well at rates of 0.01 to 0.5 of SGD, and 0.001 to 0.01 of AdamW; a test shows it."""
LARGEST_SIDE = 64
"""Pixels up to which a linear model takes an image as it is; a larger one would make it the largest network of all."""


class Simple(Protocol):
    """A simple network that has not been built yet."""

    @property
    def words(self) -> str:
        """What it is, for people."""
        ...

    def parts(self, input_shape: Shape, n_classes: int) -> Parts:
        """Return what follows the normalisation: (B, C, H, W) -> logits, (B, n_classes), one part after the other."""
        ...


class Scale(nn.Module):
    """Multiply by a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Scale `x`, of any shape."""
        return x * self.factor


@dataclass(frozen=True, slots=True)
class Linear:
    """Softmax regression on the pixels."""

    window: int = 1
    """Side of the squares of pixels that are averaged before."""

    @property
    def words(self) -> str:
        """What it is, for people."""
        averaged = f", each the mean of {self.window} × {self.window}" if self.window > 1 else ""
        return f"softmax regression on the pixels{averaged}"

    def parts(self, input_shape: Shape, n_classes: int) -> Parts:
        """Return what follows the normalisation.

        Inputs are divided by the root of their number, and multiplied by `GAIN`. Neighbouring pixels are so alike that the
        largest eigenvalue of their covariance is near that number: without it, a learning rate that suits convolutions would be
        far too large.
        """
        channels, height, width = input_shape
        n = channels * -(-height // self.window) * -(-width // self.window)
        pool = nn.AvgPool2d(self.window, ceil_mode=True, count_include_pad=False) if self.window > 1 else nn.Identity()
        return {"pool": pool, "flatten": nn.Flatten(), "scale": Scale(GAIN * n**-0.5), "classifier": nn.Linear(n, n_classes)}


@dataclass(frozen=True, slots=True)
class Residual:
    """Three stages of residual blocks."""

    width: int
    """Channels of the first stage; the others have twice and four times as many."""
    blocks: int
    """Blocks of each stage."""
    stride: int = 1
    """Stride of the first convolution."""

    @property
    def words(self) -> str:
        """What it is, for people."""
        stages = f"3 stages of {self.blocks} residual block{'s' * (self.blocks > 1)}, {self.width} to {4 * self.width} channels"
        return stages + (f", after a convolution of stride {self.stride}" if self.stride > 1 else "")

    @property
    def kernel(self) -> int:
        """Side of the first convolution's kernel: 3, and more where a stride would pass over pixels."""
        return max(3, 2 * self.stride - 1)

    def parts(self, input_shape: Shape, n_classes: int) -> Parts:
        """Return what follows the normalisation."""
        stem = nn.Conv2d(input_shape[0], self.width, self.kernel, self.stride, padding=self.kernel // 2, bias=False)
        parts: dict[str, nn.Module] = {"stem": nn.Sequential(stem, nn.BatchNorm2d(self.width), nn.ReLU())}
        for stage, block, c_in, c_out, stride in self._blocks():
            parts[f"stage_{stage}_block_{block}"] = BasicBlock(c_in, c_out, stride)
        return {**parts, "global_pool": GlobalPool(), "classifier": nn.Linear(4 * self.width, n_classes)}

    def cost(self, input_shape: Shape, n_classes: int) -> Cost:
        """Count parameters and multiply-adds without building anything."""
        channels, height, width = input_shape
        height, width = -(-height // self.stride), -(-width // self.stride)
        weights = self.kernel**2 * channels * self.width
        n_params, flops = weights + 2 * self.width, weights * height * width
        for _, _, c_in, c_out, stride in self._blocks():
            height, width = -(-height // stride), -(-width // stride)
            shortcut = c_in * c_out if c_in != c_out else 0
            weights = 9 * c_in * c_out + 9 * c_out**2 + shortcut
            n_params += weights + 4 * c_out + (2 * c_out if shortcut else 0)
            flops += weights * height * width
        last = 4 * self.width * n_classes
        return Cost(n_params + last + n_classes, flops + last)

    def _blocks(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield of each block its stage and number, from 1, channels in and out, and stride."""
        channels = self.width
        for stage, block in product((1, 2, 3), range(1, self.blocks + 1)):
            halves = stage > 1 and block == 1
            yield stage, block, channels, channels * (1 + halves), 1 + halves
            channels *= 1 + halves


class BasicBlock(nn.Module):
    """Two convolutions of 3x3 beside a shortcut, each with batch normalisation."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(),
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
        )
        projection = (Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))
        self.shortcut = nn.Sequential(*(projection if c_in != c_out else ()))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, ceil(H / stride), ceil(W / stride))."""
        return F.relu(self.convolutions(x) + self.shortcut(x))


def simple(name: ReferenceName, input_shape: Shape, n_classes: int, like: Cost) -> Simple:
    """Return a simple network that is about as large as another one.

    Args:
        name: Which one.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        like: What the other network costs; a linear model has the size that it has.
    """
    if name == "linear":
        return Linear(-(-max(input_shape[1:]) // LARGEST_SIDE))
    return residual(input_shape, n_classes, like)


def residual(input_shape: Shape, n_classes: int, like: Cost) -> Residual:
    """Return the residual network whose parameters are nearest to those of `like`, and which computes no more."""
    side = min(input_shape[1:])
    strides = [s for s in STRIDES if s == 1 or -(-side // s) >= SMALLEST]
    fitting = [f for s, b in product(strides, BLOCKS) if (f := _widest(b, s, input_shape, n_classes, like)) is not None]
    if not fitting:  # then there is none that is small enough
        smallest = [Residual(WIDTHS[0], BLOCKS[0], s) for s in strides]
        quick = [form for form in smallest if form.cost(input_shape, n_classes).flops <= MORE * like.flops]
        return quick[0] if quick else smallest[-1]
    costs = {form: form.cost(input_shape, n_classes) for form in fitting}
    far = {form: abs(math.log(counted.n_params / max(1, like.n_params))) for form, counted in costs.items()}
    near = [form for form in fitting if far[form] <= min(far.values()) + NEAR]
    return max(near, key=lambda form: costs[form].flops)


def _widest(blocks: int, stride: int, input_shape: Shape, n_classes: int, like: Cost) -> Residual | None:
    """Return the widest of these networks that is within the limits; None where there is none."""

    def fits(width: int) -> bool:
        counted = Residual(width, blocks, stride).cost(input_shape, n_classes)
        return counted.n_params <= MORE * like.n_params and counted.flops <= MORE * like.flops

    widths = [width for width in WIDTHS if fits(width)]
    return Residual(max(widths), blocks, stride) if widths else None


def build_simple(
    form: Simple, input_shape: Shape, n_classes: int, *, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> nn.Sequential:
    """Build a simple network: (B, C, H, W) in [0, 1] -> logits, (B, n_classes).

    Args:
        form: Which one.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        mean: Mean of each channel in [0, 1], for the normalisation; 0 where it is left out.
        std: Deviation of each channel; 1 where it is left out.
    """
    channels = input_shape[0]
    parts: Mapping[str, nn.Module] = form.parts(input_shape, n_classes)
    return nn.Sequential(OrderedDict({"normalize": Normalize(mean or [0.0] * channels, std or [1.0] * channels), **parts}))
