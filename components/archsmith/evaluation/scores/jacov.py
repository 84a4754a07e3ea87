"""Jacobian covariance: how differently a network responds to different images.

Reference: Mellor, Turner, Storkey, Crowley 2020, Neural Architecture Search without Training, in its first version
(arXiv:2006.04647v1), section 3: the gradients of the summed outputs by each image; the eigenvalues v of their correlations;
the score is -sum(log(v + k) + 1 / (v + k)), with k = 1e-5. In training mode, as its code and that of Abdelfattah et al. 2021
have it, so that images meet in batch normalisation. The eigenvalues of a symmetric matrix are real, and are computed so.
"""

import math

import torch
from torch import Tensor, nn

from archsmith.evaluation.scores.layers import gradients

K = 1e-5
"""Keeps the logarithm finite where responses are the same."""


def jacov(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the score: about -B where no two responses are alike, and far less where they are; NaN where one is constant."""
    del labels
    x = images.clone().requires_grad_()
    rows = gradients(network(x).sum(), [x])[0].flatten(1).double()  # (B, C * H * W)
    centred = rows - rows.mean(1, keepdim=True)
    length = centred.norm(dim=1, keepdim=True)
    if not bool((length > 0).all() & length.isfinite().all()):
        return math.nan
    unit = centred / length
    v = torch.linalg.eigvalsh(unit @ unit.T).clamp_min(0)  # rounding makes some a little negative
    return -float((torch.log(v + K) + 1 / (v + K)).sum())
