"""The norm of the weights as they were drawn.

Reference: Abdelfattah et al. 2021 (arXiv:2101.08134), whose code has it as a baseline: the sum over layers of the Euclidean
norm of each one's weights.
"""

from torch import Tensor, nn

from archsmith.evaluation.scores.layers import weights_of


def l2_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the sum over layers of the norm of their weights."""
    del images, labels
    return float(sum(w.detach().norm() for w in weights_of(network)))
