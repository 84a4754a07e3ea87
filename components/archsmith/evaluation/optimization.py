"""Optimizer and schedule of the learning rate, from the settings of the search file."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import nn

from archsmith.spec import TrainingSpec

WARMUP = 0.2
"""Share of its span in which `one-cycle` warms up; short trainings are at their best between 0.2 and 0.3."""

START = 0.04
"""Share of the highest learning rate that `one-cycle` begins with: a 25th, as in torch's OneCycleLR."""


def make_optimizer(network: nn.Module, training: TrainingSpec) -> torch.optim.Optimizer:
    """Make the optimizer; biases and normalisation, all vectors, are not decayed."""
    decayed, others = by_decay(p for p in network.parameters() if p.requires_grad)
    groups = [
        {"params": decayed, "weight_decay": training.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if training.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=training.learning_rate)
    return torch.optim.SGD(groups, lr=training.learning_rate, momentum=training.momentum, nesterov=training.momentum > 0)


def by_decay(parameters: Iterable[nn.Parameter]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return those that are decayed, and the others: vectors."""
    found: tuple[list[nn.Parameter], list[nn.Parameter]] = [], []
    for parameter in parameters:
        found[parameter.ndim <= 1].append(parameter)
    return found


def multiplier(schedule: str, share: float) -> float:
    """Return the multiplier of the learning rate, in [0, 1]: a pure function, so that there is no state to keep.

    It knows shares and no steps, so that a training whose epochs become longer on the way has one schedule nonetheless.

    Args:
        schedule: `one-cycle`, `cosine` or `constant`.
        share: How much of its span has passed, in [0, 1].

    Reference:
        Smith, Topin 2018 (arXiv:1708.07120) for `one-cycle`, here with a linear rise and a fall as a cosine;
        Loshchilov, Hutter 2017 (arXiv:1608.03983), eq. 5, for `cosine`.
    """
    if schedule == "constant":
        return 1.0
    warmup = WARMUP if schedule == "one-cycle" else 0.0
    if share < warmup:
        return START + (1 - START) * share / warmup
    return 0.5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))


def share_of_span(ends: Sequence[float], at: float) -> float:
    """Return how much of the schedule's present span has passed, in [0, 1].

    Args:
        ends: The epochs at which a span ends, and the next one begins, rising; a warm restart is a span after the first.
        at: Epochs so far, a part of one included, in [0, the last end].

    Reference: Loshchilov, Hutter 2017 (arXiv:1608.03983), section 3: T_cur / T_i.
    """
    begin = 0.0
    for end in ends:
        if at < end:
            return (at - begin) / (end - begin)
        begin = end
    return 1.0
