"""AZ-NAS' expressivity: in how many directions the features of each block spread.

Reference: Lee, Ham 2024 (arXiv:2403.19232), eq. 1 to 3; `features` says what deviates.
"""

from torch import Tensor, nn

from archsmith.evaluation.scores.features import covariance_entropy, features


def expressivity(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the sum over blocks of the entropy of the eigenvalues of their features' covariance."""
    del labels
    return sum(covariance_entropy(feature) for feature in features(network, images))
