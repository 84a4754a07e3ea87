"""What a network costs, known without training it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archsmith.models import build
from archsmith.spaces.space import Space
from archsmith.spec import Objective
from archsmith.values import Architecture, Fidelity

FULL = Fidelity(epochs=1)
"""The fidelity of the network that is deployed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters and multiply-adds of a network."""

    n_params: int
    """Trainable parameters."""
    flops: int
    """Multiply-adds of one image: convolutions, linear layers and attention; torch counts each as two."""


def cost(network: nn.Module, input_shape: tuple[int, int, int]) -> Cost:
    """Count `network` on one image; it may lie on any device, `meta` included."""
    device = next(network.parameters()).device
    training = network.training
    network.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, *input_shape, device=device))
    finally:
        network.train(training)
    n_params = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Cost(n_params, counter.get_total_flops() // 2)


def cost_of(space: Space, architecture: Architecture, input_shape: tuple[int, int, int], n_classes: int) -> Cost:
    """Count the network of `architecture` at full fidelity without giving it any memory."""
    with torch.device("meta"):
        return cost(build(space, architecture, input_shape, n_classes, fidelity=FULL), input_shape)


def within_limits(
    space: Space, objectives: tuple[Objective, ...], input_shape: tuple[int, int, int], n_classes: int
) -> Callable[[Architecture], bool]:
    """Return a test of whether an architecture keeps the limits that are known before it is trained."""
    static = tuple(o for o in objectives if o.metric in {"n_params", "flops"} and o.limit is not None)

    @lru_cache(maxsize=4096)
    def feasible(architecture: Architecture) -> bool:
        measured = cost_of(space, architecture, input_shape, n_classes)
        return all(o.allows(getattr(measured, o.metric)) for o in static)

    return feasible if static else lambda _: True
