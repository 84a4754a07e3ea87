"""What is learned about which of a few is the best by measuring one of them a little more.

Reference: Hennig, Schuler 2012, Entropy Search for Information-Efficient Global Optimization (arXiv:1112.1217), in the form of
Swersky, Snoek, Adams 2014 (arXiv:1406.3896), section 3.3: P_best by draws from the joint distribution, and the entropy of it
after a measurement, averaged over what that may show.

Where this deviates: what it may show are the nodes of a Gauss-Hermite rule and not draws, and all of them are judged by the same
draws, so that the difference between two choices is not that of their luck.
"""

from dataclasses import dataclass

import numpy as np

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
SHARES = WEIGHTS / WEIGHTS.sum()
"""What a measurement may show, in standard deviations from what is expected, and how likely it is."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one more step of one of them would show: `share` of its asymptote, and something of its own besides."""

    member: int
    """Which of them."""
    share: float
    """How much the value moves with the asymptote."""
    variance: float
    """Of what else it depends on: the curve on its way, and noise."""


def information(mean: np.ndarray, covariance: np.ndarray, measurement: Measurement, draws: np.ndarray) -> float:
    """Return by how much a measurement lowers the entropy of which one is the best, in nats; by draws it may be less than 0.

    Args:
        mean: (m,), of the asymptotes; the largest is the best.
        covariance: (m, m).
        measurement: What is measured.
        draws: (n, m), standard normal.
    """
    k = measurement.member
    deviation = np.sqrt(measurement.share**2 * covariance[k, k] + measurement.variance)
    moves = covariance[:, k] * measurement.share / deviation
    around = draws @ root(covariance - np.outer(moves, moves))
    after = [entropy(chances(mean + node * moves + around)) for node in NODES]
    return entropy(chances(mean + draws @ root(covariance))) - float(SHARES @ after)


def chances(drawn: np.ndarray) -> np.ndarray:
    """Return how often each is the best of a draw: (n, m) -> (m,)."""
    found: np.ndarray = np.bincount(drawn.argmax(axis=1), minlength=drawn.shape[1]) / len(drawn)
    return found


def entropy(shares: np.ndarray) -> float:
    """Return the entropy of a distribution, in nats."""
    there = shares[shares > 0]
    return -float(there @ np.log(there))


def root(covariance: np.ndarray) -> np.ndarray:
    """Return the symmetric square root: it changes little where the covariance does, so that draws stay comparable."""
    values, vectors = np.linalg.eigh(covariance)
    found: np.ndarray = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return found
