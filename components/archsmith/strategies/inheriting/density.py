"""Where points lie thinly: a kernel density, and probabilities that are inversely proportional to it.

The kernel is a normal distribution in each dimension, with the bandwidth of Scott's rule, sd n^(-1 / (d + 4)). In one dimension
this is `scipy.stats.gaussian_kde`; in several, that has the whole covariance, which can't be inverted where two objectives
rise together.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def log_density(data: Array, at: Array) -> Array:
    """Return the logarithm of the density of `data` at some points, but for a constant.

    A dimension in which all data are equal has no bandwidth, and says nothing.

    Args:
        data: (n, d), n >= 1, finite.
        at: (m, d).

    Returns:
        (m,); NaN where a point has one.
    """
    n = len(data)
    spread = data.std(axis=0, ddof=1) if n > 1 else np.zeros(data.shape[1])
    told = spread > 0
    bandwidths = spread[told] * n ** (-1 / (told.sum() + 4))
    z = (at[:, None, told] - data[None, :, told]) / bandwidths  # (m, n, d)
    kernels = -0.5 * (z**2).sum(axis=2)
    highest = kernels.max(axis=1)
    return np.asarray(highest + np.log(np.exp(kernels - highest[:, None]).mean(axis=1)))


def thinly(data: Array, at: Array) -> Array:
    """Return probabilities that are inversely proportional to the density of `data`: (m,), of sum 1.

    A point with a NaN has probability 0; where all have one, they are equally likely.
    """
    logs = -log_density(data, at)
    known = np.isfinite(logs)
    if not known.any():
        return np.full(len(at), 1 / len(at))
    weights = np.where(known, np.exp(np.where(known, logs, -np.inf) - logs[known].max()), 0.0)
    return np.asarray(weights / weights.sum())
