"""Networks of the mobile space: chains of inverted bottlenecks.

Reference: Sandler, Howard, Zhu, Zhmoginov, Chen 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks
(arXiv:1801.04381), table 1 (a block) and table 2 (the network); Hu, Shen, Sun 2018, Squeeze-and-Excitation Networks
(arXiv:1709.01507), placed and reduced as in MobileNetV3 (Howard et al. 2019, arXiv:1905.02244), section 5.3.

Deviation: no dropout before the classifier; what regularises is a setting of the training.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, scaled
from archsmith.models.chain import kept
from archsmith.models.operations import SqueezeExcite
from archsmith.models.parts import Parts
from archsmith.spaces.mobile import Block, MobileConfig, MobileSpace
from archsmith.values import Architecture, Fidelity

_DIVISOR = 8
"""Channels are multiples of it, as in the authors' scaled networks."""
_REDUCTION = 4
"""Squeeze-and-excitation has a quarter of the block's inner channels."""


def build_mobile(
    space: MobileSpace, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> Parts:
    """Build the parts that follow the normalisation of the input.

    Args:
        space: Its settings give stem, stages and head.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales the channels, its `depth` the blocks of each stage, of which the first is left.

    Returns:
        Parts that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.
    """
    blocks = [stage[i - 1] for stage in space.blocks(architecture) for i in kept(len(stage), fidelity.depth)]
    return framed(space.config, input_shape, n_classes, fidelity.width, blocks, InvertedBottleneck)


def framed(
    config: MobileConfig,
    input_shape: tuple[int, int, int],
    n_classes: int,
    width: float,
    blocks: Sequence[Block],
    made: Callable[[int, int, int, Block], nn.Module],
) -> Parts:
    """Return blocks with what stands before and after them.

    Args:
        config: Gives stem and head.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        width: Scales the channels.
        blocks: From the image on.
        made: Makes a block, from channels in, channels out, and the stride that the map's size allows.
    """
    side = min(input_shape[1:])
    channels = scaled(config.stem, width, divisor=_DIVISOR)
    stride, side = _strode(side, config.stem_stride, config.smallest_map)
    parts: dict[str, nn.Module] = {"stem": ConvBnRelu6(input_shape[0], channels, kernel=3, stride=stride)}
    for block in blocks:
        stride, side = _strode(side, block.stride, config.smallest_map)
        c_out = scaled(block.channels, width, divisor=_DIVISOR)
        parts[f"block_{block.name}"] = made(channels, c_out, stride, block)
        channels = c_out
    head = scaled(config.head, width, divisor=_DIVISOR)
    return {
        **parts,
        "head": ConvBnRelu6(channels, head, kernel=1),
        "global_pool": GlobalPool(),
        "classifier": nn.Linear(head, n_classes),
    }


def _strode(side: int, stride: int, smallest: int) -> tuple[int, int]:
    """Return the stride to take on a map of this side, 1 where it would become too small, and the side after it."""
    after = -(-side // stride)
    return (stride, after) if after >= smallest else (1, side)


class ConvBnRelu6(nn.Sequential):
    """Convolution, batch normalisation, ReLU capped at 6."""

    def __init__(self, c_in: int, c_out: int, *, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU6(inplace=True),
        )


class InvertedBottleneck(nn.Module):
    """Expand the channels, convolve each by itself, project them back; with a shortcut where the shape stays the same.

    Args:
        c_in: Channels before it.
        c_out: Channels after it.
        stride: Of the depthwise convolution.
        block: Gives kernel, expansion and squeeze-and-excitation.
    """

    def __init__(self, c_in: int, c_out: int, stride: int, block: Block) -> None:
        super().__init__()
        inner = c_in * block.expansion
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if block.expansion > 1:
            layers["expand"] = ConvBnRelu6(c_in, inner, kernel=1)
        layers["depthwise"] = ConvBnRelu6(inner, inner, kernel=block.kernel, stride=stride, groups=inner)
        if block.squeeze_excitation:
            layers["gate"] = SqueezeExcite(inner, reduction=_REDUCTION)
        layers["project"] = nn.Conv2d(inner, c_out, 1, bias=False)  # linear: a ReLU here would lose what the few channels hold
        layers["norm"] = nn.BatchNorm2d(c_out)
        self.layers = nn.Sequential(layers)
        self.has_shortcut = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, ceil(H / stride), ceil(W / stride))."""
        y: Tensor = self.layers(x)
        return x + y if self.has_shortcut else y
