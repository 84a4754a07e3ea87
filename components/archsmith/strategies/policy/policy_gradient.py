"""Search by a policy that learns from what it proposed: what `reinforce` and `ppo` share.

A controller draws architectures. After each `batch` of trials its parameters climb, by plain gradient ascent, the sum of
log-probabilities times advantages, plus a bonus for entropy. The two strategies differ in what that sum becomes on the
second and later ascents of a batch.

The controller is no state of its own: it is made from the history, trial by trial, from parameters that are always the
same. So a search that was stopped, or another pod, goes on with the very same policy.

Reference: Williams 1992, Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning;
Zoph, Le 2017, Neural Architecture Search with Reinforcement Learning (arXiv:1611.01578), section 3.2.

Where this deviates from the papers, which train on 10,000 trials and more, and so can take small steps:
    - The reward is not the accuracy but its place among all trials so far (see `reward`). So it has the same scale in every
      problem, one failed trial can't outweigh all others, and the steps can be large.
    - Plain gradient ascent with a rate near 1 instead of Adam with one near 0.001. Adam makes steps of the same size
      whatever the batch says; with few and noisy batches, the size of the gradient is the better guide.
    - A trial is learnt from in the order of its proposal, no matter which policy drew it. With batches of proposals that
      are larger than `batch`, some trials come from a policy a few updates old, as they do in the papers' asynchronous
      training. Those that were drawn at random, as the policy had nothing new, count alike: their reward is bounded.
    - Nothing is measured twice. A policy that is sure of one architecture is asked for others until it has a new one.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.policy.controller import Controller
from archsmith.policy.sampling_tree import SamplingTree
from archsmith.spaces.space import Space
from archsmith.strategies.fold import Fold
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import Rank, first_goal, rank, reward
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import Architecture, History, Proposal, Trial

Weigh = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Weighs the gradient of each log-probability, given its probability's ratio to that before, (T, B), and the advantages, (B,)."""


class PolicyGradientConfig(StrategyConfig):
    """Settings that the strategies with a controller share; the defaults suit 40 to 200 trials."""

    units: Annotated[int, Field(ge=1, le=1024)] = 16
    """Size of the LSTM's state. The papers' 35 and 100 learn no faster from so few trials."""
    batch: Annotated[int, Field(ge=1)] = 5
    """Trials that an update learns from."""
    learning_rate: Annotated[float, Field(gt=0)] = 1.5
    """Rate of the gradient ascent."""
    entropy: Annotated[float, Field(ge=0)] = 0.1
    """Weight of the bonus for the entropy of each decision, in nat. More explores longer."""
    baseline_decay: Annotated[float, Field(ge=0, lt=1)] = 0.8
    """How much of the baseline, a moving average of the rewards of earlier batches, stays at each update."""


class PolicyGradient:
    """Proposes what a controller draws, and trains the controller.

    Args:
        problem: What is to be solved; its first objective with a goal is the reward.
        config: The settings.
        ascents: Gradient ascents on each batch, >= 1.
        weigh: What the strategies differ in.
        name: That of the strategy, for errors.

    Raises:
        ValueError: no objective has a goal.
    """

    def __init__(self, problem: Problem, config: PolicyGradientConfig, *, ascents: int, weigh: Weigh, name: str) -> None:
        goal = first_goal(problem, name)
        self._problem = problem
        self._new = Novelty(problem)

        def add(learner: Learner, trial: Trial) -> None:
            if trial.proposal.fidelity == problem.fidelity:
                learner.add(trial.proposal.architecture, rank(trial, goal, problem.objectives))

        self._learner = Fold(lambda: Learner(problem.space, config, ascents, weigh), add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        learner, fidelity = self._learner(history), self._problem.fidelity
        tree, reason = learner.tree, f"drawn from the policy after {learner.updates} updates"
        return self._new.propose(history, n, lambda _: Proposal(tree.draw(rng), fidelity, reason=reason), rng)


class Learner:
    """A controller and what its training needs to go on.

    Args:
        space: Where the architectures come from.
        config: The settings.
        ascents: Gradient ascents on each batch.
        weigh: What the strategies differ in.
    """

    def __init__(self, space: Space, config: PolicyGradientConfig, ascents: int, weigh: Weigh) -> None:
        self._config, self._ascents, self._weigh = config, ascents, weigh
        # The parameters to start from are part of the algorithm: a history must always lead to the same policy.
        self.controller = Controller(space.decisions, config.units, np.random.default_rng(0))
        self.tree = SamplingTree(space, self.controller)
        self.updates = 0
        self._ranks: list[Rank] = []
        self._batch: list[tuple[list[int], Rank]] = []
        self._baseline = 0.0  # the mean of all rewards

    def add(self, architecture: Architecture, rank: Rank) -> None:
        """Take note of a trial, and learn from the batch that it may complete."""
        insort(self._ranks, rank)
        self._batch.append((self.controller.encode(architecture), rank))
        if len(self._batch) == self._config.batch:
            choices, ranks = zip(*self._batch, strict=True)
            self._learn(np.array(choices), np.array([reward(r, self._ranks) for r in ranks]))
            self._batch = []

    def _learn(self, choices: np.ndarray, rewards: np.ndarray) -> None:
        config, controller = self._config, self.controller
        advantages = rewards - self._baseline
        self._baseline += (1 - config.baseline_decay) * advantages.mean()
        before = None
        for _ in range(self._ascents):
            way = controller.unroll(choices)
            before = way.log_probs if before is None else before
            ratios = np.exp(np.minimum(way.log_probs - before, 50))  # more is no different, and infinity no number
            weights = self._weigh(ratios, advantages)
            gradient = controller.gradient(way, weights, config.entropy)
            controller.move(config.learning_rate / len(choices) * gradient)
        self.tree.forget()
        self.updates += 1
