"""Networks of the fabric's space: a chain of 3x3 convolutions along a path through the trellis.

Reference: Saxena, Verbeek 2016 (arXiv:1606.02492), section 3: all convolutions are 3x3; to a coarser scale they have a stride of
2, to a finer one they see the maps with zeros put between the pixels; batch normalisation and ReLU are at each node.
"""

from torch import nn

from archsmith.models.blocks import ConvBlock, GlobalPool, scaled
from archsmith.models.parts import Parts
from archsmith.spaces.fabric import FabricSpace, Link
from archsmith.values import Architecture, Fidelity

Sides = tuple[int, int]
"""Height and width, in pixels."""


def build_fabric(
    space: FabricSpace, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> Parts:
    """Build the parts that follow the normalisation of the input.

    Args:
        space: Its settings give trellis and channels.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales the channels. Its `depth` is the share of the convolutions that is kept, as far as there
            are some that leave the scale as it is: of these, as many are left out, evenly spaced.

    Returns:
        Parts that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.
    """
    channels = [scaled(space.channels(scale), fidelity.width) for scale in range(space.trellis.scales)]
    sides = sides_of(input_shape, space.trellis.scales)
    parts: dict[str, nn.Module] = {"stem": ConvBlock(input_shape[0], channels[0], 3, 1)}
    for link in shortened(space.trellis.along(space.path(architecture)), fidelity.depth):
        parts[link.name] = convolution(link, channels, sides)
    return {**parts, "global_pool": GlobalPool(), "classifier": nn.Linear(channels[-1], n_classes)}


def sides_of(input_shape: tuple[int, int, int], scales: int) -> list[Sides]:
    """Return height and width of the maps of each scale: each is half of the one before, rounded up."""
    _, height, width = input_shape
    return [(-(-height // 2**scale), -(-width // 2**scale)) for scale in range(scales)]


def shortened(links: tuple[Link, ...], depth: float) -> list[Link]:
    """Return the links that are left at a relative depth, all of those that change the scale among them."""
    level = [k for k, link in enumerate(links) if not link.coarser]
    n_left_out = min(len(level), len(links) - max(1, round(len(links) * depth)))
    left_out = {level[k * len(level) // n_left_out] for k in range(n_left_out)}
    return [link for k, link in enumerate(links) if k not in left_out]


def convolution(link: Link, channels: list[int], sides: list[Sides]) -> nn.Module:
    """Return the convolution of a link, batch normalisation and ReLU, on maps of these channels and sides at each scale."""
    (_, source), (_, target) = link.source, link.target
    if link.coarser >= 0:
        return ConvBlock(channels[source], channels[target], 3, 2 if link.coarser else 1)
    return nn.Sequential(
        finer(channels[source], channels[target], sides[target]),
        nn.BatchNorm2d(channels[target]),
        nn.ReLU(inplace=True),
    )


def finer(c_in: int, c_out: int, sides: Sides) -> nn.ConvTranspose2d:
    """Return a 3x3 convolution of the maps with zeros put between their pixels: (B, C_in, h, w) -> (B, C_out, *sides).

    A transposed convolution is that one, and does not multiply the zeros.
    """
    last = (1 - sides[0] % 2, 1 - sides[1] % 2)  # (2 h - 1, or 2 h) rows: the sides of which h is half, rounded up
    return nn.ConvTranspose2d(c_in, c_out, 3, 2, padding=1, output_padding=last, bias=False)
