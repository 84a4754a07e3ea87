"""The space that is searched: residual networks around one that trains well in a short time, as a space `yaml` of the file.

A first convolution, then stages; between two stages a pooling halves height and width before a convolution widens, which is four
times as cheap as the other way round. Each stage may have residual blocks of two convolutions. What is decided: the
filters of each stage, its number of blocks, the first kernel.

Reference: He, Zhang, Ren, Sun 2016, Deep Residual Learning for Image Recognition (arXiv:1512.03385), for the blocks; Coleman et
al. 2019, Analysis of DAWNBench (arXiv:1806.01427), whose fastest entries on CIFAR-10 are of this shape.
"""

from dataclasses import dataclass
from typing import Any

WIDTHS = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Filters of the first stage that a space may be built around; fewer than eight only where a limit asks for it."""

USUAL_WIDTH = 8

SMALLEST_MAP = 4
"""Pixels of height and width that the last stage has at least."""

LARGE, MIDDLING = 48, 24
"""Pixels of a side from which on the first convolution halves it, as it would take most of the time at full size; and from which
on it does where time is short."""

MOST_STAGES = 4


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the space."""

    filters: tuple[int, ...]
    """Of each stage."""
    blocks: tuple[int, ...]
    """Residual blocks of each stage."""
    kernel: int = 3
    """Of the first convolution."""

    @property
    def text(self) -> str:
        """The network in the notation of the space."""
        stages = (f"filters_{k} blocks_{k}".split() for k in range(1, len(self.filters) + 1))
        pairs = zip(stages, zip(self.filters, self.blocks, strict=True), strict=True)
        words = [f"{name}={n}" for names, numbers in pairs for name, n in zip(names, numbers, strict=True)]
        return " ".join([f"first_kernel={self.kernel}", *words])


@dataclass(frozen=True, slots=True)
class Form:
    """What a space is built around."""

    base: int
    """Filters of the first stage, in the middle of the space."""
    side: int
    """Pixels of the shorter side of the images."""
    stride: int = 1
    """Of the first convolution."""

    @property
    def n_stages(self) -> int:
        """How many stages there are."""
        return n_stages(self.side)


def forms(side: int) -> tuple[Form, ...]:
    """Return the forms that a space may have, the cheapest first."""
    if side >= LARGE:
        return tuple(Form(base, side, 2) for base in WIDTHS)
    halved = (4, 6, 8, 12) if side >= MIDDLING else ()
    whole = tuple(base for base in WIDTHS if not halved or base >= USUAL_WIDTH)
    return (*(Form(base, side, 2) for base in halved), *(Form(base, side) for base in whole))


def n_stages(side: int) -> int:
    """Return how many stages images of so many pixels a side have."""
    side, stages = side // (2 if side >= LARGE else 1), 1
    while stages < MOST_STAGES and side // 2 >= SMALLEST_MAP:
        side, stages = side // 2, stages + 1
    return stages


def widths(form: Form) -> tuple[tuple[int, ...], ...]:
    """Return the choices of filters of each stage: about twice those of the one before, and more or less."""
    found = []
    for k in range(form.n_stages):
        middle = form.base * 2 ** min(k, 2)
        found.append(tuple(dict.fromkeys((_even(0.75 * middle), middle, _even(1.5 * middle)))))
    return tuple(found)


def blocks(form: Form) -> tuple[tuple[int, ...], ...]:
    """Return the choices of residual blocks of each stage; the first one, at full size, has at most one."""
    n = form.n_stages
    return tuple((0, 1) if k == 0 and n > 1 else (0, 1, 2) for k in range(n))


def middle(form: Form) -> Network:
    """Return the network in the middle of a space: blocks in all stages but the first, as that costs most."""
    n = form.n_stages
    return Network(tuple(form.base * 2 ** min(k, 2) for k in range(n)), tuple(int(k > 0 or n == 1) for k in range(n)))


def first(form: Form) -> tuple[Network, ...]:
    """Return the networks that are measured first: that in the middle, and others that are known to train well."""
    network = middle(form)
    n, last = form.n_stages, form.n_stages - 1
    widest = tuple(max(choices) for choices in widths(form))
    found = (
        network,
        Network(network.filters, tuple(min(1, k) + (k == last) for k in range(n)), 3),
        Network(widest, tuple(int(k == last) for k in range(n)), 3),
        Network(network.filters, network.blocks, 5),
    )
    return tuple(dict.fromkeys(found))


def cost(form: Form, network: Network, shape: tuple[int, int, int], n_classes: int) -> tuple[int, int]:
    """Return parameters and multiply-adds of an image, as in the network that is built; normalisation has none."""
    channels, height, width = shape
    height, width = -(-height // form.stride), -(-width // form.stride)
    params = flops = 0

    def conv(c_in: int, c_out: int, kernel: int) -> None:
        nonlocal params, flops
        params += c_in * c_out * kernel**2 + 2 * c_out
        flops += c_in * c_out * kernel**2 * height * width

    for k, (filters, n) in enumerate(zip(network.filters, network.blocks, strict=True)):
        if k:
            height, width = -(-height // 2), -(-width // 2)
        conv(channels, filters, 3 if k else network.kernel)
        channels = filters
        for _ in range(2 * n):
            conv(filters, filters, 3)
    return params + (channels + 1) * n_classes, flops + channels * n_classes


def space(form: Form) -> dict[str, Any]:
    """Return the section `space` of a search file."""
    decisions: list[dict[str, Any]] = [{"name": "first_kernel", "choices": [3, 5]}]
    network: list[dict[str, Any]] = []
    for k, (filters, repeats) in enumerate(zip(widths(form), blocks(form), strict=True), start=1):
        decisions += [{"name": f"filters_{k}", "choices": list(filters)}, {"name": f"blocks_{k}", "choices": list(repeats)}]
        stride = {"stride": form.stride} if k == 1 and form.stride > 1 else {}
        network += [{"op": "maxpool", "kernel": 2, "stride": 2}] if k > 1 else []
        network.append({**_conv(k), **({"kernel": "$first_kernel"} if k == 1 else {}), **stride})
        network.append({"repeat": f"$blocks_{k}", "blocks": [{"residual": [_conv(k), _conv(k)]}]})
    return {"name": "yaml", "decisions": decisions, "network": network}


def _conv(stage: int) -> dict[str, Any]:
    return {"op": "conv", "filters": f"$filters_{stage}", "kernel": 3}


def _even(filters: float) -> int:
    return max(2, 2 * round(filters / 2))
