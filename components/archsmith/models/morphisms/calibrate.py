"""Statistics of new batch normalisations, from a batch of images; those that are to be an identity become one.

With `weight` = sqrt(variance + eps) and `bias` = mean, normalising and taking it back are one: on all images in evaluation
mode, whatever the statistics are, and in training mode on batches that have these. So they are those of training mode.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class NewNorm:
    """A normalisation, or some channels of one, that the parent does not have."""

    channels: tuple[bool, ...]
    """Which of its channels are new."""
    identity: bool
    """Whether they hand on what comes in; else they keep their weight and bias."""
    factor: float = 1.0
    """By how much they scale it."""


def calibrate(network: nn.Module, norms: Mapping[str, NewNorm], images: Tensor) -> None:
    """Set the statistics of new normalisations in place, each from what those before it give.

    Args:
        network: In evaluation mode.
        norms: The new ones, by name.
        images: A batch, (B, C, H, W), float32 in [0, 1].
    """
    if not norms or len(images) < 2:
        return
    modules = dict(network.named_modules())
    hooks = [modules[name].register_forward_pre_hook(_hook(norm)) for name, norm in norms.items()]
    normalisations = [m for m in modules.values() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) and m.track_running_stats]
    try:
        for module in normalisations:  # by the batch, without any trace of it in the statistics
            module.training, module.track_running_stats = True, False
        network(images)
    finally:
        for module in normalisations:
            module.training, module.track_running_stats = False, True
        for hook in hooks:
            hook.remove()


def _hook(new: NewNorm) -> Callable[[nn.Module, tuple[Tensor]], None]:
    def set_statistics(module: nn.Module, taken: tuple[Tensor]) -> None:
        assert isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
        (x,) = taken
        var, mean = torch.var_mean(x, [0, *range(2, x.ndim)], correction=0)
        at = torch.tensor(new.channels)
        assert module.running_mean is not None
        assert module.running_var is not None
        assert module.num_batches_tracked is not None
        module.running_mean[at], module.running_var[at] = mean[at], var[at]
        module.num_batches_tracked.clamp_(min=1)
        if new.identity:
            module.weight[at] = new.factor * torch.sqrt(var + module.eps)[at]
            module.bias[at] = new.factor * mean[at]

    return set_statistics
