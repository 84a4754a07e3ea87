"""Networks of a user's own space, put together from the blocks of the search file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from archsmith.models.blocks import ConvBlock, GlobalPool, SeparableBlock, scaled
from archsmith.models.branch import Join, Shape
from archsmith.models.convolution import Conv2d
from archsmith.models.mobile import InvertedBottleneck
from archsmith.models.operations import OPERATIONS
from archsmith.models.parts import Parts, Place
from archsmith.spaces.blocks.draw import image_part
from archsmith.spaces.blocks.resolve import Joined, Layer, Step
from archsmith.spaces.blocks.yaml_space import YamlSpace
from archsmith.spaces.mobile import Block as MobileBlock
from archsmith.values import Architecture, Fidelity

Settings = Mapping[str, Any]


def build_yaml(
    space: YamlSpace, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int, fidelity: Fidelity
) -> Parts:
    """Build the parts that follow the normalisation of the input.

    Args:
        space: A space of the user's own.
        architecture: One of its architectures.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        fidelity: Its `width` scales filters and units, its `depth` the times that blocks are repeated.

    Returns:
        Parts that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.

    Raises:
        ValueError: branches whose strides do not divide each other can't be joined.
    """
    steps = space.steps(architecture, fidelity.depth)
    n_image = image_part(steps)
    body, shape = _sequence(steps[:n_image], Shape(input_shape[0], 1), fidelity.width)
    head, shape = _sequence(steps[n_image:], shape, fidelity.width)
    return {**body, "global_pool": GlobalPool(), **head, "classifier": nn.Linear(shape.channels, n_classes)}


class JoinedBranches(nn.ModuleDict):
    """Branches that take the same input, summed or concatenated: `branch_1`, ... and `join`."""

    def __init__(self, joined: Joined, shape: Shape, width: float) -> None:
        super().__init__()
        built = [_sequence(branch, shape, width) for branch in joined.branches]
        shapes = [s for _, s in built]
        shrunk = max(s.shrunk for s in shapes)
        if any(shrunk % s.shrunk for s in shapes):
            strides = ", ".join(str(s.shrunk // shape.shrunk) for s in shapes)
            raise ValueError(f"branches with strides {strides} can't be joined; the largest must be a multiple of each")
        names = [f"branch_{k}" for k in range(1, len(built) + 1)]
        join = Join(dict(zip(names, shapes, strict=True)), "concat" if joined.join == "concat" else "sum")
        self.n_branches = len(built)
        self.update({name: Chain(branch) for name, (branch, _) in zip(names, built, strict=True)} | {"join": join})
        self.shape = join.shape

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H', W')."""
        return self["join"]([self[f"branch_{k}"](x) for k in range(1, self.n_branches + 1)])  # type: ignore[no-any-return]


class Chain(nn.ModuleDict):
    """Parts, one applied after the other; none hands its input on."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H', W')."""
        for part in self.values():
            x = part(x)
        return x


class DilatedBlock(nn.Sequential):
    """Convolution with holes, batch normalisation, ReLU (Yu, Koltun 2016, arXiv:1511.07122)."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, dilation: int) -> None:
        reach = dilation * (kernel // 2)
        super().__init__(
            Conv2d(c_in, c_out, kernel, stride, padding=reach, dilation=dilation, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )


class Pool(nn.Sequential):
    """A pooling that divides the sides by its stride and rounds up, as every layer here does.

    An odd window is centred on a pixel; an average counts no pixels beyond the border. An even window reaches a
    pixel further to the right and down than to the other sides, and finds the border's pixels repeated there.
    """

    def __init__(self, pool: str, kernel: int, stride: int) -> None:
        before, after = (kernel - 1) // 2, kernel // 2
        even = before != after
        padding = 0 if even else before
        pooling = (
            nn.MaxPool2d(kernel, stride, padding)
            if pool == "maxpool"
            else nn.AvgPool2d(kernel, stride, padding, count_include_pad=False)
        )
        super().__init__(*([nn.ReplicationPad2d((before, after, before, after))] if even else []), pooling)


def _sequence(steps: Sequence[Step], shape: Shape, width: float) -> tuple[dict[str, nn.Module], Shape]:
    """Build steps that follow each other; return them by the places of their blocks, and the shape after them."""
    parts: dict[str, nn.Module] = {}
    for step in steps:
        module, shape = _joined(step, shape, width) if isinstance(step, Joined) else _layer(step, shape, width)
        parts[f"block_{step.place}"] = module
    return parts, shape


def _joined(joined: Joined, shape: Shape, width: float) -> tuple[nn.Module, Shape]:
    module = JoinedBranches(joined, shape, width)
    return module, module.shape


def _layer(layer: Layer, shape: Shape, width: float) -> tuple[Place, Shape]:
    """Build a layer; one that is given neither filters nor units keeps its channels."""
    given = layer.settings.get("filters", layer.settings.get("units"))
    c_out = shape.channels if given is None else scaled(int(given), width)
    stride = int(layer.settings.get("stride", 1))
    if layer.op in LAYERS:
        module = LAYERS[layer.op](shape.channels, c_out, stride, layer.settings)
    else:
        module = OPERATIONS[layer.op](shape.channels, c_out, stride)
    return Place(layer.op, module), Shape(c_out, shape.shrunk * stride)


def _mbconv(c_in: int, c_out: int, stride: int, s: Settings) -> nn.Module:
    block = MobileBlock("", c_out, stride, kernel=s["kernel"], expansion=s["expansion"], squeeze_excitation=s["se"])
    return InvertedBottleneck(c_in, c_out, stride, block)


LAYERS: Mapping[str, Callable[[int, int, int, Settings], nn.Module]] = {
    "conv": lambda c_in, c_out, stride, s: ConvBlock(c_in, c_out, s["kernel"], stride),
    "sepconv": lambda c_in, c_out, stride, s: SeparableBlock(c_in, c_out, s["kernel"], stride),
    "dilconv": lambda c_in, c_out, stride, s: DilatedBlock(c_in, c_out, s["kernel"], stride, s["dilation"]),
    "mbconv": _mbconv,
    "maxpool": lambda c_in, c_out, stride, s: Pool("maxpool", s["kernel"], stride),  # noqa: ARG005  (all are called alike)
    "avgpool": lambda c_in, c_out, stride, s: Pool("avgpool", s["kernel"], stride),  # noqa: ARG005
    "batchnorm": lambda c_in, c_out, stride, s: nn.BatchNorm2d(c_in),  # noqa: ARG005
    "relu": lambda c_in, c_out, stride, s: nn.ReLU(),  # noqa: ARG005  not in place: other branches may read its input
    "dense": lambda c_in, c_out, stride, s: nn.Sequential(nn.Linear(c_in, c_out), nn.ReLU(inplace=True)),  # noqa: ARG005
}
"""From channels in, channels out, stride and settings to each layer that is no primitive of the field."""
