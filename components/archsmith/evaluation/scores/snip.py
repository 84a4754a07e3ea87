"""SNIP: how much the loss depends on whether each weight is there.

Reference: Lee, Ajanthan, Torr 2019, SNIP: Single-shot Network Pruning Based on Connection Sensitivity (arXiv:1810.02340), eq. 3
and 4: |dL/dc| at c = 1, where each weight is c w, so |w dL/dw|. Summed over all weights, not normalised, as in Abdelfattah et
al. 2021 (arXiv:2101.08134), eq. 1.
"""

from torch import Tensor, nn

from archsmith.evaluation.scores.layers import loss_gradients, weights_of


def snip(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the sum over all weights of |weight times gradient|."""
    pairs = zip(weights_of(network), loss_gradients(network, images, labels), strict=True)
    return float(sum((w.detach() * g).abs().sum() for w, g in pairs))
