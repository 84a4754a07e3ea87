"""How probable it is that a training succeeds, from those that have failed and those that have not.

A failed trial has no value, and none is made up for it: it says something of its region, and not that all of it is bad. So the
surrogates of the objectives see only what was measured, and beside them stands another one, of whether something was. What is to
be gained is then weighed by the probability that there will be something to gain.

References:
    - Gelbart, Snoek, Adams 2014, Bayesian Optimization with Unknown Constraints (arXiv:1403.5607), section 3: the expected
      improvement times the probability; Lee et al. 2011, Optimization Subject to Hidden Constraints via Statistical Emulation:
      where all that is known of a constraint is whether it was kept.
    - Rasmussen, Williams 2006, Gaussian Processes for Machine Learning, section 6.5: least-squares classification, a process
      of the labels 0 and 1. Its mean estimates their expectation, which is the probability.

Failures may as well be a matter of chance, such as a lost machine. Then the likeliest noise of the process explains them, and the
probability is the same everywhere.

Where this deviates from Gelbart 2014: there the labels have a probit likelihood and the posterior is sampled. The least squares
need neither and take a thousandth of the time.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from archsmith.strategies.bayesian.codes import Rows
from archsmith.strategies.bayesian.gaussian_process import Array

NOISE = 0.5
"""Median of the prior of the noise's variance: half of what labels vary by is chance, before anything is known."""


@dataclass(frozen=True, slots=True)
class Success:
    """What is believed of the trials to come."""

    predict: Callable[[Rows], Array]
    """Returns what is predicted of standardised labels: (n, n_decisions) -> (n,)."""
    share: float
    """Of the trials, that have succeeded; in [0, 1]."""
    n: int
    """How many there were."""

    @classmethod
    def of(cls, succeeded: npt.NDArray[np.bool_], predict: Callable[[Rows], Array]) -> Self:
        """Make one of which trials have succeeded, (n,), and what predicts their `labels`."""
        return cls(predict, float(succeeded.mean()), len(succeeded))

    def log_probability(self, rows: Rows) -> Array:
        """Return the logarithm of `probability`, (n,)."""
        return np.log(self.probability(rows))

    def probability(self, rows: Rows) -> Array:
        """Return the probability that a trial of each architecture succeeds: (n, n_decisions) -> (n,).

        It is never below 1 / (n + 2), Laplace's estimate where none of n trials has succeeded: they can't tell more.
        """
        expected = self.share + math.sqrt(self.share * (1 - self.share)) * self.predict(rows)
        return np.clip(expected, 1 / (self.n + 2), 1.0)


def labels(succeeded: npt.NDArray[np.bool_]) -> Array:
    """Return targets with mean 0 and variance 1 for whether trials have succeeded, (n,); all 0 where all or none have."""
    share = succeeded.mean()
    return np.asarray((succeeded - share) / max(math.sqrt(share * (1 - share)), 1e-12))
