"""REINFORCE: an LSTM controller proposes, and good trials make what it chose for them more likely.

Reference: Williams 1992, Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning;
Zoph, Le 2017, Neural Architecture Search with Reinforcement Learning (arXiv:1611.01578), sections 3.1 and 3.2.

Where it deviates from the papers: see `controller` and `policy_gradient`.
"""

import numpy as np

from archsmith.strategies.policy.policy_gradient import PolicyGradient, PolicyGradientConfig
from archsmith.strategies.strategy import Problem


class ReinforceConfig(PolicyGradientConfig):
    """Reinforcement learning: an LSTM proposes and learns from the trials by REINFORCE (Zoph 2017).

    It follows the first objective that has a goal, within the limits of all.
    """

    def build(self, problem: Problem) -> PolicyGradient:
        """Make the strategy; raises `ValueError` where no objective has a goal."""
        return PolicyGradient(problem, self, ascents=1, weigh=weigh, name="reinforce")


def weigh(ratios: np.ndarray, advantages: np.ndarray) -> np.ndarray:  # noqa: ARG001 -- all 1 in the only ascent of a batch
    """Return the advantages: the gradient of the expected reward is E[advantage · ∇ log-probability] (Zoph 2017, section 3.2)."""
    return advantages
