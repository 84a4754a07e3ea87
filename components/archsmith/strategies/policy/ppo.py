"""Proximal policy optimisation: several steps on a batch, each held near the policy that the batch was drawn from.

Reference: Schulman, Wolski, Dhariwal, Radford, Klimov 2017, Proximal Policy Optimization Algorithms (arXiv:1707.06347),
equation 7; Zoph, Vasudevan, Shlens, Le 2018, Learning Transferable Architectures for Scalable Image Recognition
(arXiv:1707.07012), appendix A. ε is `clip`, and K is `epochs`.

As there, each decision is an action, with a ratio of its own; all decisions of a trial have its advantage.

Where this deviates from the papers (see `controller` and `policy_gradient` for more):
    - Where A < 0, the objective is at least c · A (Ye et al. 2020, Mastering Complex Control in MOBA Games with Deep
      Reinforcement Learning, arXiv:1912.09729, dual-clipped PPO): a choice that was hardly possible before, and was drawn at
      random, has else a ratio without bound, and one step undoes all that was learnt.
    - There is no critic: the baseline is a moving average, as in Zoph 2018.
    - The policy before is the one at the beginning of the update, even where a trial was drawn from an earlier one.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.strategies.policy.policy_gradient import PolicyGradient, PolicyGradientConfig
from archsmith.strategies.strategy import Problem

DUAL_CLIP = 3.0
"""c of Ye 2020: where A < 0, the largest ratio that counts."""


class PPOConfig(PolicyGradientConfig):
    """Reinforcement learning: an LSTM proposes and learns from the trials by PPO (Schulman 2017, Zoph 2018).

    It follows the first objective that has a goal, within the limits of all.
    """

    epochs: Annotated[int, Field(ge=1)] = 3
    """K: gradient ascents on each batch."""
    clip: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """ε: a trial has no more say once its probability has changed by this share the way its advantage wants it."""

    def build(self, problem: Problem) -> PolicyGradient:
        """Make the strategy; raises `ValueError` where no objective has a goal."""
        return PolicyGradient(problem, self, ascents=self.epochs, weigh=Clipped(self.clip), name="ppo")


class Clipped:
    """The gradient of PPO's objective min(ratio · A, clip(ratio, 1 - ε, 1 + ε) · A), by the log-probabilities.

    Args:
        clip: ε, in (0, 1).
    """

    def __init__(self, clip: float) -> None:
        self._clip = clip

    def __call__(self, ratios: np.ndarray, advantages: np.ndarray) -> np.ndarray:
        """Return ratio · A, or 0 where the objective does not depend on the ratio (Schulman 2017, figure 1)."""
        clipped = np.clip(ratios, 1 - self._clip, 1 + self._clip)
        counts = (ratios * advantages <= clipped * advantages) & ((advantages >= 0) | (ratios <= DUAL_CLIP))
        return np.where(counts, ratios * advantages, 0)
