"""AZ-NAS' trainability: whether gradients keep their size on the way back through each block.

Reference: Lee, Ham 2024 (arXiv:2403.19232), eq. 5 to 8: a block's Jacobian is estimated as the mean over positions of
gradient in times gradient out, where what comes in from above is random signs; of its largest singular value s, a block adds
-s - 1 / s + 2, which is 0 at s = 1 and less elsewhere; the score is the mean over blocks. `features` says what deviates.

A block that hands its input on unchanged has no value in the paper's code, so that networks with one are worst; here it has
what it is: gradients keep their size in it, and it adds 0.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.evaluation.scores.features import features


def trainability(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the mean over blocks, at most 0; NaN where there are not two blocks."""
    del labels
    generator = torch.Generator().manual_seed(0)
    values = [_of_a_block(a, b, generator) for a, b in pairwise(features(network, images))]
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if found else float("nan")


def _of_a_block(feature: Tensor, following: Tensor, generator: torch.Generator) -> float | None:
    """Return what the block from one feature to the other adds; None where the latter does not depend on the former."""
    if feature is following:
        return 0.0
    signs = torch.randint(0, 2, following.shape, generator=generator).to(following) * 2 - 1
    back = _back(following, feature, signs)
    if back is None:
        return None
    shrunk = -(-back.shape[2] // following.shape[2])  # an odd side is rounded up: 7 becomes 4
    if back.shape[2:] != following.shape[2:]:
        sides = [shrunk * side for side in following.shape[2:]]
        back = F.pad(back, (0, sides[1] - back.shape[3], 0, sides[0] - back.shape[2]))
        back = F.pixel_unshuffle(back, shrunk)  # (B, C * shrunk^2, H, W)
    above, below = (g.permute(0, 2, 3, 1).flatten(0, 2) for g in (signs, back))  # (B * H * W, C)
    s = float(torch.linalg.matrix_norm(below.T @ above / len(above), 2))
    return -s - 1 / (s + 1e-6) + 2


def _back(of: Tensor, to: Tensor, gradient: Tensor) -> Tensor | None:
    """Return what a gradient of one tensor is at another; None where the one does not depend on the other."""
    return torch.autograd.grad(of, to, gradient, retain_graph=True, allow_unused=True)[0]
