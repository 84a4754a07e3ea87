"""Exact widening by the weights alone: a network computes what a narrower one of the same parts has learnt.

Reference:
    Chen, Goodfellow, Shlens 2016, Net2Net: Accelerating Learning via Knowledge Transfer (arXiv:1511.05641), section 2.2; see
    `archsmith.models.morphisms`, which does it.
"""

from collections.abc import Mapping
from copy import deepcopy

import torch
from torch import Tensor, nn

from archsmith.models.blocks import Normalize
from archsmith.models.morphisms.choice import likely_plan
from archsmith.models.morphisms.inherit import carry_out
from archsmith.models.morphisms.parent import numbered
from archsmith.models.morphisms.trace import UntraceableError, trace

_SIDE = 32
"""Height and width of the image that tells how many channels there are at each step: of any size, as networks take any."""


@torch.no_grad()
def widened(network: nn.Module, weights: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Return weights with which `network` computes what a narrower network of the same parts computes with `weights`.

    Args:
        network: The wide network; it is not changed. It begins with `Normalize`.
        weights: The state dictionary of the narrow one, on the CPU.
        generator: Draws the shares; on the CPU.

    Raises:
        ValueError: It can't be done exactly: the parts differ, or are of a kind that is not known.
    """
    wide = deepcopy(network).cpu().eval()
    if wide.state_dict().keys() != weights.keys():
        differing = min(wide.state_dict().keys() ^ weights.keys())
        raise ValueError(f"a network of other parts can't be widened into this one: {differing!r}")
    if unlike := [name for name, value in wide.state_dict().items() if value.shape[2:] != weights[name].shape[2:]]:
        raise ValueError(f"a network of other kernels can't be widened into this one: {unlike[0]!r}")
    channels = next((m.mean.numel() for m in wide.modules() if isinstance(m, Normalize)), 3)
    image = torch.zeros(1, channels, _SIDE, _SIDE)
    try:
        parent, child = numbered(trace(_narrowed(wide, weights), image)), trace(wide, image)
        found = likely_plan(parent, child, generator)
    except UntraceableError as error:
        raise ValueError(f"a network can't be widened exactly where {error}") from error
    changed = [name for name, fit in found.fits.items() if fit.way != "same"]
    if changed or not found.same:
        raise ValueError(f"a network of other filters can't be widened into this one: {(changed or ['the output'])[0]!r}")
    carry_out(found, parent, child, image, generator)
    return wide.state_dict()


def _narrowed(wide: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """Return a network with these weights, whose layers have the shapes that they say."""
    narrow = deepcopy(wide)
    for name, module in narrow.named_modules():
        own = {key: weights[f"{name}.{key}" if name else key] for key in module.state_dict() if "." not in key}
        for key, value in own.items():
            if isinstance(getattr(module, key), nn.Parameter):
                setattr(module, key, nn.Parameter(value.clone(), requires_grad=False))
            else:
                setattr(module, key, value.clone())
        if own:
            _resize(module)
    return narrow


def _resize(module: nn.Module) -> None:
    """Set what a layer says of itself by its weight."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        if module.groups > 1:
            module.groups = module.in_channels = module.out_channels = len(module.weight)
        else:
            here, there = module.weight.shape[:2]
            module.in_channels, module.out_channels = (there, here) if isinstance(module, nn.Conv2d) else (here, there)
    if isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        module.num_features = len(module.weight)
