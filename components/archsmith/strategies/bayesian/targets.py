"""What surrogates learn from: costs made tame, so that a few trials that fail or diverge do not drown the rest.

Reference: Salinas, Shen, Perrone 2020, A Quantile-Based Approach for Hyperparameter Transfer Learning
(arXiv:1909.13595), section 4: costs become the standard normal quantiles of their ranks.

Accuracies have a heavy lower tail: one architecture in ten may learn nothing. In what a Gaussian process sees, such an
outlier must not set the scale; to ranks it is the last one, and no more. They spread out the best besides, which are close
together in accuracy, and are what has to be told apart.
"""

import numpy as np

from archsmith.strategies.bayesian.gaussian_process import Array


def tamed(costs: Array) -> Array:
    """Return the standard normal quantile of each cost's rank, with variance 1; all 0 where all costs are equal.

    Args:
        costs: To be minimized, (n,), n >= 1; infinite where a trial has failed. Equal costs share their mean rank.
    """
    from scipy import special  # it takes a while to load, and a search without a surrogate does not need it

    _, place, count = np.unique(costs, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - count / 2
    return _standardised(special.ndtri(middle[place] / len(costs)))


def limited(costs: Array, limit: float) -> tuple[Array, float]:
    """Return targets with mean 0 and variance 1 for costs that have a limit, and the limit among these targets.

    They are linear near the limit and logarithmic far from it, as it matters little by how much it is broken.

    Args:
        costs: (n,), n >= 1; one that is not finite says nothing, and counts as the mean.
        limit: The highest cost that is allowed.
    """
    beyond = costs[np.isfinite(costs)] - limit
    scale = np.median(np.abs(beyond[beyond != 0])) if beyond.any() else 1.0
    tame = np.arcsinh(beyond / scale)
    mean, sd = (tame.mean(), tame.std()) if len(tame) else (0.0, 0.0)
    sd = sd if sd > 1e-12 else 1.0
    targets = np.zeros(len(costs))
    targets[np.isfinite(costs)] = (tame - mean) / sd
    return targets, float(-mean / sd)


def _standardised(values: Array) -> Array:
    """Return the values with mean 0 and variance 1."""
    sd = values.std()
    return np.asarray((values - values.mean()) / (sd if sd > 1e-12 else 1.0))
