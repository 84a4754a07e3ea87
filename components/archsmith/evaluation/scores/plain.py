"""How the loss changes when weights are scaled, the changes of all weights against each other.

Reference: Abdelfattah et al. 2021 (arXiv:2101.08134), whose code has it as a baseline beside SNIP: the sum over all weights of
w dL/dw, with its sign; Mozer, Smolensky 1989 have it as skeletonisation.
"""

from torch import Tensor, nn

from archsmith.evaluation.scores.layers import loss_gradients, weights_of


def plain(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the sum over all weights of weight times gradient."""
    pairs = zip(weights_of(network), loss_gradients(network, images, labels), strict=True)
    return float(sum((w.detach() * g).sum() for w, g in pairs))
