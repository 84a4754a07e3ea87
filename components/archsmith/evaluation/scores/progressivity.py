"""AZ-NAS' progressivity: whether features spread in more directions from block to block.

Reference: Lee, Ham 2024 (arXiv:2403.19232), eq. 4; `features` says what deviates.
"""

import math
from itertools import pairwise

from torch import Tensor, nn

from archsmith.evaluation.scores.features import covariance_entropy, features


def progressivity(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the smallest growth of the entropy from a block to the next; NaN where there are not two blocks."""
    del labels
    spread = [covariance_entropy(feature) for feature in features(network, images)]
    return min((b - a for a, b in pairwise(spread)), default=math.nan)
