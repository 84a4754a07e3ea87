"""Networks of the chain-structured space: one layer after the other."""

from collections.abc import Mapping

from torch import nn

from archsmith.models.blocks import ConvBlock, GlobalPool, SeparableBlock, scaled
from archsmith.models.parts import Parts, Place
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice, Fidelity


def build_chain(
    space: Space, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> Parts:
    """Build the parts that follow the normalisation of the input.

    Args:
        space: A chain space.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales filters and units, its `depth` keeps that share of the layers,
            evenly spaced (at least one); layers that are left out take no part at all.

    Returns:
        Parts that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.
    """
    decisions = space.assignment(architecture)
    channels, height, width = input_shape
    side = min(height, width)
    parts: dict[str, nn.Module] = {}
    for i in kept(int(decisions["layers"]), fidelity.depth):
        layer, channels, side = layer_of(decisions, i, channels, side, fidelity.width)
        parts[f"layer_{i}"] = Place(str(decisions[f"op_{i}"]), layer)
    parts["global_pool"] = GlobalPool()
    for j in range(1, int(decisions["dense"]) + 1):
        units = scaled(int(decisions[f"units_{j}"]), fidelity.width)
        parts[f"dense_{j}"] = nn.Sequential(nn.Linear(channels, units), nn.ReLU(inplace=True))
        channels = units
    return {**parts, "classifier": nn.Linear(channels, n_classes)}


def kept(layers: int, depth: float) -> list[int]:
    """Return which of the layers 1 to `layers` a network of relative depth `depth` has, evenly spaced."""
    n = max(1, round(layers * depth))
    return [1 + (i * layers) // n for i in range(n)]


def layer_of(decisions: Mapping[str, Choice], i: int, channels: int, side: int, width: float) -> tuple[nn.Module, int, int]:
    """Build layer `i` on `channels` x `side` x `side`; return it with the channels and the side after it."""
    operation = decisions[f"op_{i}"]
    stride = int(decisions[f"stride_{i}"])
    if operation in ("maxpool", "avgpool"):
        # A window never exceeds the image, so that any order of layers fits any image.
        kernel = min(int(decisions[f"pool_{i}"]), side)
        pool = nn.MaxPool2d if operation == "maxpool" else nn.AvgPool2d
        return pool(kernel, stride, ceil_mode=True), channels, _pooled(side, kernel, stride)
    filters = scaled(int(decisions[f"filters_{i}"]), width)
    block = ConvBlock if operation == "conv" else SeparableBlock
    return block(channels, filters, int(decisions[f"kernel_{i}"]), stride), filters, -(-side // stride)


def _pooled(side: int, kernel: int, stride: int) -> int:
    """Return the side after a pooling whose last window may jut out, but begins within the image."""
    windows = -(-(side - kernel) // stride) + 1
    return windows - 1 if (windows - 1) * stride >= side else windows
