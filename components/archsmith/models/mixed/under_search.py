"""Operations as they stand side by side while they are weighed.

Batch normalisation has neither scale nor shift there, which could undo what an operation is weighed by, and poolings are followed
by it, so that all operations give numbers of like size.

Reference: Liu, Simonyan, Yang 2019, DARTS (arXiv:1806.09055), section 3.1.1 and its published code.
"""

from collections import OrderedDict
from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


class NormedPool(nn.Sequential):
    """A pooling, and batch normalisation without scale and shift."""

    def __init__(self, pool: nn.Module, channels: int) -> None:
        super().__init__(OrderedDict(pool=pool, norm=nn.BatchNorm2d(channels, affine=False)))


def under_search(operation: nn.Module, c_in: int) -> nn.Module:
    """Make an operation one that is weighed against others, in place; its tensors keep their names.

    Args:
        operation: As in a network of its own.
        c_in: Channels that it takes.
    """
    if _is_pool(operation):
        return NormedPool(operation, c_in)
    for name, child in operation.named_children():
        if _is_pool(child):
            setattr(operation, name, NormedPool(child, c_in))
    return unscaled(operation)


def unscaled(module: M) -> M:
    """Take scale and shift from the batch normalisations of a module, in place."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.affine = False
            norm.register_parameter("weight", None)
            norm.register_parameter("bias", None)
    return module


def _is_pool(module: nn.Module) -> bool:
    return isinstance(module, nn.MaxPool2d | nn.AvgPool2d)
