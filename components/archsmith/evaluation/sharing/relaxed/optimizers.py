"""The two optimizers, one of the weights and one of the alphas, and their rates."""

from collections.abc import Sequence

import torch
from torch import Tensor

from archsmith.evaluation.optimization import multiplier
from archsmith.spec.supernets import Relaxed


def of_weights(weights: Sequence[Tensor], settings: Relaxed) -> torch.optim.SGD:
    """Make the optimizer of the weights, all in one group, as in the paper's code."""
    return torch.optim.SGD(
        weights, lr=settings.learning_rate, momentum=settings.momentum, weight_decay=settings.weight_decay,
        nesterov=settings.nesterov and settings.momentum > 0,
    )  # fmt: skip


def of_alphas(values: Tensor, settings: Relaxed, *, steps: int) -> torch.optim.Adam:
    """Make the optimizer of the alphas, which take so many steps."""
    rate = settings.alpha_rate if settings.alpha_rate is not None else settings.reach / max(1, steps)
    return torch.optim.Adam([values], lr=rate, betas=settings.alpha_betas, weight_decay=settings.alpha_decay)


def rate_of_weights(settings: Relaxed, share: float) -> float:
    """Return the weights' learning rate after a share of the training, in [0, 1]."""
    least = min(settings.least_rate, settings.learning_rate)
    return least + (settings.learning_rate - least) * multiplier("cosine", share)
