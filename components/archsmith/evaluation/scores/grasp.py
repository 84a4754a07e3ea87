"""GraSP: how the norm of the gradient changes where a weight is taken away.

Reference: Wang, Zhang, Grosse 2020, Picking Winning Tickets Before Training by Preserving Gradient Flow (arXiv:2002.07376),
eq. 8: -w (H g), with H the Hessian of the loss and g its gradient. Summed over all weights with this sign, as in Abdelfattah et
al. 2021 (arXiv:2101.08134), eq. 1, and on one batch at a temperature of 1, where the paper has several at 200.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.evaluation.scores.layers import gradients, weights_of


def grasp(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the sum over all weights of -weight times (Hessian times gradient)."""
    weights = weights_of(network)
    g = gradients(F.cross_entropy(network(images), labels), weights, again=True)
    products = [(a.detach() * a).sum() for a in g if a.requires_grad]
    # The derivative of g^T stop(g) is H g, without the Hessian's ever being made.
    hg = gradients(sum(products), weights) if products else []  # type: ignore[arg-type]
    return -float(sum((w.detach() * h).sum() for w, h in zip(weights, hg, strict=False)))
