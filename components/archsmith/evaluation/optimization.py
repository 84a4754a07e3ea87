"""Optimizer and learning-rate schedule from the settings of the search file."""

import math
from collections.abc import Callable

import torch
from torch import nn

from archsmith.spec import TrainingSpec

WARMUP = 0.2
"""Share of the steps in which `one-cycle` warms up; short trainings are at their best between 0.2 and 0.3."""


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


def make_schedule(optimizer: torch.optim.Optimizer, training: TrainingSpec, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """Make the schedule over `steps` optimizer steps."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, multiplier(training.schedule, steps))


def multiplier(schedule: str, steps: int) -> Callable[[int], float]:
    """Return the multiplier of the learning rate at a step, from 0 to `steps`.

    Reference: Smith 2018 (arXiv:1708.07120) for `one-cycle`; Loshchilov & Hutter 2017, eq. 5, for `cosine`.
    """
    warmup = WARMUP * steps if schedule == "one-cycle" else 0.0

    def at(step: int) -> float:
        if schedule == "constant":
            return 1.0
        if step < warmup:
            return 0.04 + 0.96 * step / warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1.0, steps - warmup))))

    return at
