"""A policy that chooses paths, and learns from what shared weights make of validation images: `enas`.

Reference: Pham, Guan, Zoph, Le, Dean 2018, Efficient Neural Architecture Search via Parameter Sharing (arXiv:1802.03268),
section 2.2: the weights and the policy are trained in turns, the weights on training images with one sampled path a step,
the policy by REINFORCE on validation images, with a moving average as baseline and with its entropy in the reward.

Deviations: the LSTM is that of `archsmith.policy.controller`, with heads that begin at zero, so that the first policy is the
uniform one; logits are not squashed. Its rate follows the number of updates (see `rate_for`): with the paper's 3.5e-4, fewer
than some ten thousand updates leave the probabilities where they begin.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from archsmith.evaluation.device import to_cpu
from archsmith.policy.controller import SKIPPED, Controller
from archsmith.policy.sampling_tree import SamplingTree
from archsmith.spaces.space import Space
from archsmith.values import Architecture

UNITS = 32
"""Size of the LSTM's state; half of the paper's, as our spaces are smaller."""

PAPER_RATE, HIGHEST_RATE, WAY = 3.5e-4, 0.02, 0.4
"""The paper's rate for Adam; the highest one that is taken; and how far a parameter can go in all updates. A logit sums over the
LSTM's units, and goes some ten times as far."""

BASELINE_DECAY = 0.95
"""How much of the moving average of the rewards stays at each update."""

N_DRAWN = 256
"""Architectures from which the probabilities of options are found; a decision's depend on those before it."""

DRAWS_EACH = 50
"""Draws for each architecture that is wanted, before fewer are enough."""


def rate_for(updates: int) -> float:
    """Return the learning rate with which Adam can move a parameter by `WAY` in so many updates, within reason."""
    return min(HIGHEST_RATE, max(PAPER_RATE, WAY / updates))


class Policy:
    """The policy and what its training needs to go on.

    Args:
        space: Where the architectures come from.
        updates: Updates that there will be in all.
        rate: Learning rate; None is that of `rate_for`.
        entropy: Weight of the entropy, in nat, in the reward.
    """

    def __init__(self, space: Space, *, updates: int, rate: float | None, entropy: float) -> None:
        self._space, self._entropy = space, entropy
        self.controller = Controller(space.decisions, UNITS, np.random.default_rng(0))
        self._tree = SamplingTree(space, self.controller)
        self._parameters = torch.from_numpy(self.controller.parameters.copy())
        self._adam = torch.optim.Adam([self._parameters], lr=rate or rate_for(updates), maximize=True)
        self._baseline: float | None = None

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture."""
        return self._tree.draw(rng)

    def gradient(self, architectures: Sequence[Architecture], rewards: Sequence[float]) -> np.ndarray:
        """Return an unbiased estimate of the gradient of the expected reward plus the weighed entropy of the policy.

        The entropy is the expectation of -log π, so that it is a part of the reward, as in the authors' code.

        Args:
            architectures: Drawn from the policy as it is.
            rewards: Of each, in [0, 1].

        Reference: Williams 1992, eq. 11; Pham 2018, section 2.2. π is the policy, b the baseline.
        """
        way = self.controller.unroll(np.array([self.controller.encode(a) for a in architectures]))
        gains = np.asarray(rewards) - self._entropy * way.log_probs.sum(0)  # R - β log π
        baseline = gains.mean() if self._baseline is None else self._baseline
        found = self.controller.gradient(way, (gains - baseline)[None, :]) / len(architectures)
        self._gains = float(gains.mean())
        return found

    def learn(self, architectures: Sequence[Architecture], rewards: Sequence[float]) -> None:
        """Take a step up the gradient; see `gradient`."""
        self._parameters.grad = torch.from_numpy(self.gradient(architectures, rewards))
        self._adam.step()
        before = self._gains if self._baseline is None else self._baseline
        self._baseline = BASELINE_DECAY * before + (1 - BASELINE_DECAY) * self._gains
        self._take_over()

    def probabilities(self, rng: np.random.Generator) -> dict[str, dict[str, float]]:
        """Return the probability of each option of each decision, given that it is active."""
        way = self._drawn(rng)
        active = way.choices != SKIPPED  # (B, T)
        found = {}
        for k, decision in enumerate(self._space.decisions):
            if active[:, k].any():
                means = np.exp(way.log_policy[k][active[:, k]]).mean(0)
                found[decision.name] = {str(c): float(p) for c, p in zip(decision.choices, means, strict=False)}
        return found

    def preferred(self, n: int, rng: np.random.Generator) -> tuple[Architecture, ...]:
        """Return up to `n` different architectures that are drawn from the policy, the most probable first."""
        found: dict[Architecture, float] = {}
        for _ in range(DRAWS_EACH * n):
            drawn = self._tree.draw(rng)
            if (one := self._space.canonical(drawn)) not in found:
                found[one] = self.log_probability(one)
            if len(found) >= 4 * n:
                break
        return tuple(sorted(found, key=lambda a: -found[a])[:n])

    def log_probability(self, architecture: Architecture) -> float:
        """Return the logarithm of the probability of an architecture."""
        return float(self.controller.unroll(np.array([self.controller.encode(architecture)])).log_probs.sum())

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs."""
        return {
            "parameters": self._parameters.clone(),
            "adam": to_cpu(self._adam.state_dict()),
            "baseline": self._baseline,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self._parameters.copy_(state["parameters"])
        self._adam.load_state_dict(state["adam"])
        self._baseline = state["baseline"]
        self._take_over()

    def _take_over(self) -> None:
        """Give the controller the parameters."""
        self.controller.assign(self._parameters.numpy().copy())
        self._tree.forget()

    def _drawn(self, rng: np.random.Generator) -> Any:
        drawn = [self.controller.encode(self._tree.draw(rng)) for _ in range(N_DRAWN)]
        return self.controller.unroll(np.array(drawn))
