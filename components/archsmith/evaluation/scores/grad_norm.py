"""The norm of the gradient.

Reference: Abdelfattah et al. 2021 (arXiv:2101.08134), section 3.2: the sum over layers of the Euclidean norm of each one's
gradient, of one batch and in training mode.
"""

from torch import Tensor, nn

from archsmith.evaluation.scores.layers import loss_gradients


def grad_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the sum over layers of the norm of the loss's gradient by their weights."""
    return float(sum(g.norm() for g in loss_gradients(network, images, labels)))
