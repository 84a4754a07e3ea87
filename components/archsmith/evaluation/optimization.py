"""Optimizer and schedule of the learning rate, from the settings of the search file."""

import math
from collections.abc import Callable

import torch
from torch import nn

from archsmith.spec import TrainingSpec

WARMUP = 0.2
"""Share of the steps in which `one-cycle` warms up; short trainings are at their best between 0.2 and 0.3."""

START = 0.04
"""Share of the highest learning rate that `one-cycle` begins with: a 25th, as in torch's OneCycleLR."""


def make_optimizer(network: nn.Module, training: TrainingSpec) -> torch.optim.Optimizer:
    """Make the optimizer; biases and normalisation, all vectors, are not decayed."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": training.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if training.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=training.learning_rate)
    return torch.optim.SGD(groups, lr=training.learning_rate, momentum=training.momentum, nesterov=training.momentum > 0)


def multiplier(schedule: str, steps: int) -> Callable[[int], float]:
    """Return the multiplier of the learning rate at a step: a pure function, so that there is no state to keep.

    Args:
        schedule: `one-cycle`, `cosine` or `constant`.
        steps: Steps of the whole training.

    Returns:
        From the step, 0 to `steps`, to the multiplier, in [0, 1].

    Reference:
        Smith, Topin 2018 (arXiv:1708.07120) for `one-cycle`, here with a linear rise and a fall as a cosine;
        Loshchilov, Hutter 2017 (arXiv:1608.03983), eq. 5 without restarts, for `cosine`.
    """
    warmup = WARMUP * steps if schedule == "one-cycle" else 0.0

    def at(step: int) -> float:
        if schedule == "constant":
            return 1.0
        if step < warmup:
            return START + (1 - START) * step / warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1.0, steps - warmup))))

    return at
