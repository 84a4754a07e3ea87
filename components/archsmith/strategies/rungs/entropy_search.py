"""What is learned about which of a few is the best by measuring one of them a little more.

Reference: Hennig, Schuler 2012, Entropy Search for Information-Efficient Global Optimization (arXiv:1112.1217), in the form of
Swersky, Snoek, Adams 2014 (arXiv:1406.3896), section 3.3: P_best by draws from the joint distribution, and the entropy of it
after a measurement, averaged over what that may show.

Where this deviates: what it may show are the nodes of a Gauss-Hermite rule and not draws. All choices are judged by the same
draws, each moved to where the measurement would have it (Matheron's rule: Wilson et al. 2020, arXiv:2002.09309, equation 9), so
that the difference between two choices is not that of their luck.
"""

import numpy as np

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(3)
SHARES = WEIGHTS / WEIGHTS.sum()
"""What a measurement may show, in standard deviations from what is expected, and how likely it is."""


def drawn(mean: np.ndarray, covariance: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return draws from a normal distribution: (m, n), of standard normal ones, (m, n)."""
    jitter = 1e-9 * float(np.trace(covariance)) / len(mean)
    found: np.ndarray = mean[:, None] + np.linalg.cholesky(covariance + jitter * np.eye(len(mean))) @ normals
    return found


def chances(draws: np.ndarray) -> np.ndarray:
    """Return how often each is the largest of a draw: (m, ..., n) -> (m, ...)."""
    found: np.ndarray = (draws == draws.max(axis=0)).mean(axis=-1)
    return found


def entropy(shares: np.ndarray) -> np.ndarray:
    """Return the entropy of distributions, (m, ...) -> (...), in nats."""
    found: np.ndarray = -np.sum(shares * np.log(np.maximum(shares, 1e-300)), axis=0)
    return found


def information(
    draws: np.ndarray, covariance: np.ndarray, shares: np.ndarray, variances: np.ndarray, normals: np.ndarray
) -> np.ndarray:
    """Return by how much the measurement of each lowers the entropy of which one is the best, in nats: (k,).

    What is measured of the first k is `shares` times its value, and something of its own besides. By draws, what is found may
    be less than 0.

    Args:
        draws: (m, n), of the values.
        covariance: (m, m), of the values.
        shares: (k,).
        variances: (k,): of what is measured besides, positive.
        normals: (k, n), standard normal: draws of that.
    """
    k = len(shares)
    deviations = np.sqrt(shares**2 * np.diag(covariance)[:k] + variances)
    moves = covariance[:, :k] * (shares / deviations)
    centred = draws[:k] - draws[:k].mean(axis=1, keepdims=True)
    shown = (shares[:, None] * centred + np.sqrt(variances)[:, None] * normals) / deviations[:, None]
    missing = NODES[None, :, None] - shown[:, None, :]  # (k, nodes, n)
    after = draws[:, None, None, :] + moves[:, :, None, None] * missing
    left: np.ndarray = entropy(chances(after)) @ SHARES
    return float(entropy(chances(draws))) - left
