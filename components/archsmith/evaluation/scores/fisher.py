"""Fisher pruning: how much the loss depends on whether each channel is there.

Reference: Turner, Crowley, O'Boyle, Storkey, Gray 2020, BlockSwap: Fisher-guided Block Substitution for Network Compression on
a Budget (arXiv:1906.04113), eq. 4: half of the mean over images of (sum over positions of activation times gradient)^2, of the
output of each layer. Summed over all weights, each having the value of its channel, as the code of Abdelfattah et al. 2021
(arXiv:2101.08134) does: a channel counts as often as it has weights.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.evaluation.scores.layers import gradients, weighted


def fisher(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the sum over channels of their Fisher information, each times the weights that make it."""
    outputs: list[tuple[int, Tensor]] = []

    def keep(layer: nn.Module, _: object, output: Tensor) -> None:
        outputs.append((layer.weight.numel() // output.shape[1], output))  # type: ignore[operator]

    for layer in weighted(network):
        layer.register_forward_hook(keep)
    loss = F.cross_entropy(network(images), labels)
    slopes = gradients(loss, [output for _, output in outputs])
    return float(sum(n * _information(a.detach(), g) for (n, a), g in zip(outputs, slopes, strict=True)))


def _information(activation: Tensor, gradient: Tensor) -> Tensor:
    """Return the sum over channels of a layer: activation and gradient are (B, C, ...)."""
    of_an_image = (activation * gradient).flatten(2).sum(2) if activation.ndim > 2 else activation * gradient  # (B, C)
    return of_an_image.square().mean(0).mul(0.5).sum()
