"""The layers that scores add up over, and the gradients of their weights."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Weighted = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
"""The layers that count: neither biases nor normalisations do."""


def weighted(network: nn.Module) -> list[Weighted]:
    """Return the convolutions and linear layers, in order."""
    return [module for module in network.modules() if isinstance(module, Weighted)]


def weights_of(network: nn.Module) -> list[Tensor]:
    """Return the weights of the layers that count."""
    return [layer.weight for layer in weighted(network)]


def gradients(of: Tensor, by: Sequence[Tensor], *, again: bool = False) -> list[Tensor]:
    """Return the gradient of a scalar by each tensor; zeros where it does not depend on it.

    Args:
        of: What is derived, ().
        by: Tensors of any shapes.
        again: Whether the gradients are to be derived once more.
    """
    found = torch.autograd.grad(of, by, create_graph=again, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, by, strict=True)]


def loss_gradients(network: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
    """Return the gradient of the batch's mean cross-entropy by the weights of each layer that counts."""
    return gradients(F.cross_entropy(network(images), labels), weights_of(network))
