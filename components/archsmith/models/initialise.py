"""Random weights from a generator of one's own, so that a trial's weights depend on its seed alone."""

import math

import torch
from torch import nn


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights of `network` in place.

    Convolutions and hidden linear layers: normal, with the variance that keeps that of the activations
    (He 2015, eq. 10; fan out for convolutions). The last linear layer: torch's uniform default, whose small logits
    start the loss near log(n_classes). Normalisation: the identity.
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
