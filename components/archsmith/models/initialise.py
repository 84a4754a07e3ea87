"""Random weights from a generator of one's own, so that a trial's weights depend on its seed alone."""

import math

import torch
from torch import nn


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights of `network` in place.

    Convolutions and hidden linear layers: normal, with variance 2 / fan. For convolutions, fan is the kernel's area times
    the output channels, which keeps the variance of the gradients; for linear layers it is the number of inputs, which
    keeps that of the activations. The last linear layer: torch's uniform default, whose small logits start the loss near
    log(n_classes). Biases: zero. Normalisation: the identity.

    Args:
        network: Its weights lie where `generator` does, on the CPU.
        generator: The only source of randomness.

    Reference: He, Zhang, Ren, Sun 2015 (arXiv:1502.01852), eq. 14 for convolutions, eq. 10 for linear layers.
    """
    linears = [m for m in network.modules() if isinstance(m, nn.Linear)]
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            if module is linears[-1]:
                bound = 1 / math.sqrt(module.in_features)
                nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        bias = getattr(module, "bias", None)
        if isinstance(bias, torch.Tensor) and not isinstance(module, nn.BatchNorm2d):
            nn.init.zeros_(bias)
