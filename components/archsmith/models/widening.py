"""Exact widening: a network computes what a narrower one has learnt, and has more filters and units to go on with.

A filter is replicated, and the weights that read it are divided among its copies, so that their sum is what it was. Divided
into equal shares, copies would have equal gradients for ever; into random shares, each goes its own way, and what the network
computes is the same nonetheless. So no noise is needed, which the paper adds, at the cost of exactness.

Reference:
    Chen, Goodfellow, Shlens 2016, Net2Net: Accelerating Learning via Knowledge Transfer (arXiv:1511.05641), section 2.2: g is
    `copied`. Deviations: the filters after the first n are copies in turn, and not at random, so that none is copied much
    more often than others; and unequal shares in place of noise, as Wang et al. 2023, LEMON: Lossless Model Expansion
    (arXiv:2310.07999), section 4, have them.
"""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, Normalize
from archsmith.models.parts import Place

LEAST_SHARE, MOST_SHARE = 0.5, 1.5
"""Range of the shares of a filter's copies, before they are brought to the sum 1."""

_KNOWN = (nn.Linear, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, GlobalPool, Normalize)
"""Layers that do the same to each channel, or mix them all; and so do convolutions that are depthwise or have one group."""


def widened(network: nn.Module, weights: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Return weights with which `network` computes what a narrower network of the same parts computes with `weights`.

    Args:
        network: The wide network; it is not changed. Its parts come one after the other, as in a chain.
        weights: The state dictionary of the narrow one, on the CPU.
        generator: Draws the shares; on the CPU.

    Raises:
        ValueError: It can't be done exactly: the parts differ, or are not a line of layers that are known here.
    """
    wide = network.state_dict()
    if wide.keys() != weights.keys():
        raise ValueError(f"a network of other parts can't be widened into this one: {min(wide.keys() ^ weights.keys())!r}")
    made = dict(weights)
    copied = shares = torch.ones(0)  # of the channels that come in; the first layer, `Normalize`, says which there are
    for name, module in _line(network, ""):
        own = {key: weights[f"{name}.{key}"] for key in module.state_dict()}
        if isinstance(module, Normalize):
            copied, shares = _copied(module.mean.numel(), module.mean.numel()), torch.ones(module.mean.numel())
            continue
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1):
            own["weight"] = own["weight"][:, copied] * shares.view(1, -1, *[1] * (module.weight.ndim - 2))
            copied = _copied(len(own["weight"]), len(module.weight))
            shares = _shares(copied, generator)
        made |= {f"{name}.{key}": value[copied] if value.ndim else value for key, value in own.items()}
    if unlike := [key for key, value in wide.items() if made[key].shape != value.shape]:
        raise ValueError(f"a network of other filters can't be widened into this one: {unlike[0]!r}")
    return made


def _line(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers of a network by name, one applied after the other; raises `ValueError` where they are no such line."""
    if type(module).forward in (nn.Sequential.forward, Place.forward):
        for child_name, child in module.named_children():
            yield from _line(child, f"{name}.{child_name}" if name else child_name)
    elif isinstance(module, _KNOWN) or (isinstance(module, nn.Conv2d) and module.groups in (1, module.in_channels)):
        yield name, module
    else:
        raise ValueError(f"{name!r}, a {type(module).__name__}, can't be widened exactly")


def _copied(narrow: int, wide: int) -> Tensor:
    """Return which of the narrow channels each of the wide ones is a copy of: (wide,)."""
    if wide < narrow:
        raise ValueError(f"{narrow} channels can't be widened to {wide}")
    return torch.arange(wide) % narrow


def _shares(copied: Tensor, generator: torch.Generator) -> Tensor:
    """Return the share of each channel in the one that it is a copy of: (wide,); those of its copies add up to 1."""
    drawn = torch.empty(len(copied), dtype=torch.float64).uniform_(LEAST_SHARE, MOST_SHARE, generator=generator)
    sums = torch.zeros(int(copied.max()) + 1, dtype=torch.float64).index_add_(0, copied, drawn)
    return (drawn / sums[copied]).float()
