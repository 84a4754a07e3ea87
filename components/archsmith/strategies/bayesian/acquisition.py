"""How much is to be gained by measuring an architecture, given what a surrogate predicts of it. All of costs to be minimized.

References:
    - Jones, Schonlau, Welch 1998, Efficient Global Optimization (doi:10.1023/A:1008306431147), equation 15: the expected
      improvement; Ament et al. 2023 (arXiv:2310.20708), section 4.1: its logarithm, without underflow.
    - Emmerich, Giannakoglou, Naujoks 2006 (doi:10.1109/TEVC.2005.859463): the expected improvement of the hypervolume.
    - Gardner et al. 2014, Bayesian Optimization with Inequality Constraints (ICML): the probability to keep the limits.

Logarithms are what these return, as gains fall to 10^-300 and below, and their order still matters.
"""

import math

import numpy as np

from archsmith.strategies.bayesian.gaussian_process import Array
from archsmith.values.pareto import fronts

POINTS = 512
"""Points at random by which hypervolumes are estimated, the same for all candidates: enough to tell these apart."""


def log_expected_improvement(mean: Array, sd: Array, best: float) -> Array:
    """Return log E[max(best - cost, 0)] of normal costs.

    With z = (best - mean) / sd it is log sd + log(phi(z) + z Phi(z)). Far below 0, the two terms nearly cancel; there,
    Mills' ratio R(z) = Phi(z) / phi(z) is taken from the scaled error function, and log phi(z) + log(1 + z R(z)) is the sum.

    Args:
        mean: (n,).
        sd: (n,), positive.
        best: The lowest cost so far.
    """
    from scipy import special  # it takes a while to load, and a search without a surrogate does not need it

    z = (best - mean) / sd
    near, far = np.maximum(z, -1.0), np.minimum(z, -1.0)
    log_density = -0.5 * np.square(z) - 0.5 * math.log(2 * math.pi)
    plain = np.log(np.exp(-0.5 * np.square(near)) / math.sqrt(2 * math.pi) + near * special.ndtr(near))
    ratio = math.sqrt(math.pi / 2) * special.erfcx(-far / math.sqrt(2))
    # Below -1000, 1 + z R(z) is all rounding error; its expansion is 1 / z^2.
    rest = np.where(far > -1000, np.maximum(1 + far * ratio, 1e-300), 1 / np.square(far))
    return np.log(sd) + np.where(z > -1.0, plain, log_density + np.log(rest))


def log_probability_within(mean: Array, sd: Array, limits: Array) -> Array:
    """Return the log probability that independent normal costs, (n, n_limits), are all within their limits: (n,)."""
    from scipy import special

    return np.asarray(special.log_ndtr((limits - mean) / sd).sum(axis=1))


class HypervolumeImprovement:
    """The expected gain in hypervolume, for any number of objectives.

    The volume that a cost y adds to a front is that of all points between y and the reference that the front does not
    dominate. So its expectation is the integral, over those points, of the probability that y dominates them: for
    independent normal costs, a product of normal distribution functions. The integral is a mean over random points.

    Args:
        costs: What was measured, (n, n_objectives), finite, standardised.
        rng: Source of the points.
    """

    def __init__(self, costs: Array, rng: np.random.Generator) -> None:
        front = costs[fronts(costs) == 0]
        # An improvement by one standard deviation of all costs is more than a single trial is likely to bring.
        low, high = costs.min(axis=0) - 1.0, costs.max(axis=0) + 0.1
        points = rng.uniform(low, high, size=(POINTS, costs.shape[1]))
        self._points = points[~(front[:, None] <= points).all(axis=2).any(axis=0)]
        self._log_share = math.log(np.prod(high - low) / POINTS)

    def log_expected(self, mean: Array, sd: Array) -> Array:
        """Return the logarithm of the expected gain, (n,), of independent normal costs, (n, n_objectives) each."""
        from scipy import special

        z = (self._points - mean[:, None]) / sd[:, None]
        return np.asarray(special.logsumexp(special.log_ndtr(z).sum(axis=2), axis=1)) + self._log_share
