"""ZiCo: how large gradients are beside how much they differ from batch to batch.

Reference: Li, Yang, Bhardwaj, Marculescu 2023, ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients
(arXiv:2301.11300), eq. 15: for each layer the logarithm of the sum over its weights of mean |gradient| / deviation of the
gradient, both over batches; added up over layers. A weight without deviation does not count, as in its code.

Deviation: the two batches of its code are the two halves of one here.
"""

import math

import torch
from torch import Tensor, nn

from archsmith.evaluation.scores.layers import loss_gradients


def zico(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the score of a batch of two images at least."""
    halves = zip(images.chunk(2), labels.chunk(2), strict=True)
    layers = zip(*(loss_gradients(network, x, y) for x, y in halves), strict=True)
    return sum(_of_a_layer(torch.stack(pair).flatten(1)) for pair in layers)


def _of_a_layer(g: Tensor) -> float:
    """Return what a layer adds, of its gradients (batches, weights)."""
    deviation = g.std(0, correction=0)
    ratios = (g.abs().mean(0) / deviation)[deviation != 0]
    return math.log(float(ratios.sum())) if len(ratios) and float(ratios.sum()) > 0 else 0.0
