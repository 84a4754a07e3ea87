"""A guard that keeps the alphas of an option from running away before its weights have been trained.

Reference: Ye, Li, Li, Zhang, Chen 2022, beta-DARTS (arXiv:2203.01665), eq. 8 to 11: the loss of the alphas has a term that is the
mean over points of the smooth maximum of their alphas; its weight rises from zero to its full value over the training.
"""

import torch
from torch import Tensor

from archsmith.evaluation.sharing.relaxed.alphas import Alphas


def beta_decay(alphas: Alphas) -> Tensor:
    """Return the mean over points of log(sum(exp(alphas))): a scalar."""
    return torch.stack([part.logsumexp(0) for part in alphas.split(alphas.values)]).mean()
