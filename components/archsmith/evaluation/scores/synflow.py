"""SynFlow: how much flows through a network from end to end, whatever the images.

Reference: Tanaka, Kunin, Yamins, Ganguli 2020, Pruning Neural Networks without Any Data by Iteratively Conserving Synaptic Flow
(arXiv:2006.05467), eq. 2: w dR/dw, where R is the sum of the outputs for an image of ones, with each weight replaced by its
absolute value. Summed over all weights of convolutions and linear layers, as in Abdelfattah et al. 2021 (arXiv:2101.08134).

Conventions of its code and of NASLib's tables: double precision, as the sum has a hundred decimal digits in deep networks; batch
normalisation is left out, which here its statistics before any training do, a mean of 0 and a variance of 1; and a ReLU6 is a
ReLU, as eq. 2 knows of no caps. The
logarithm is what their tables have, and ranks alike.
"""

import math

import torch
from torch import Tensor, nn

from archsmith.evaluation.scores.layers import gradients, weights_of


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the logarithm of the flow; minus infinity where nothing flows."""
    del labels
    _uncap(network)
    network.double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    weights = weights_of(network)
    slopes = gradients(network(torch.ones_like(images[:1], dtype=torch.float64)).sum(), weights)
    flow = float(sum((w.detach() * g).abs().sum() for w, g in zip(weights, slopes, strict=True)))
    return math.log(flow) if flow > 0 else -math.inf


def _uncap(network: nn.Module) -> None:
    """Put a ReLU in the place of each ReLU6, which the sums of absolute weights would saturate: then nothing flows."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Hardtanh):  # which ReLU6 is one of
                setattr(module, name, nn.ReLU())
