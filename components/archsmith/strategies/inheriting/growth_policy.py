"""How the policy of `eas` learns: rewards, baselines, and REINFORCE on the steps that led to a network.

Reference: Cai, Chen, Zhang, Yu, Wang 2018 (arXiv:1707.04873), the experiments; Williams 1992, Simple Statistical
Gradient-Following Algorithms for Connectionist Reinforcement Learning.

Where it deviates from the paper: see `eas`.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.policy.meta_controller import MetaController
from archsmith.policy.moves import Move, Odds, Situation
from archsmith.spec import Objective
from archsmith.strategies.inheriting.growth import Growth
from archsmith.strategies.ranking import first_goal, rank
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import Architecture, Trial

CAP = 0.999
"""The accuracy from which on the reward does not grow."""

REWARDED = (("accuracy", "maximize"), ("loss", "minimize"))
"""The goals that there is a reward for."""

Step = tuple[Architecture, Architecture]
"""From a network to its child."""


class PolicyConfig(StrategyConfig):
    """Settings of the policy and its training."""

    units: Annotated[int, Field(ge=1, le=1024)] = 16
    """Size of the encoder's state, each way. The paper's is 50."""
    batch: Annotated[int, Field(ge=1)] = 5
    """Trials that an update learns from. The paper's is 10."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.5
    """Rate of the gradient ascent."""
    entropy: Annotated[float, Field(ge=0)] = 0.05
    """Weight of the bonus for the entropy of each step, in nat. More explores longer."""
    baseline_decay: Annotated[float, Field(ge=0, lt=1)] = 0.95
    """How much of the baselines, moving averages of earlier rewards, stays at each trial."""


class Learner:
    """The policy, and what its training needs to go on.

    Args:
        growth: Which steps there are.
        config: The settings.
    """

    def __init__(self, growth: Growth, config: PolicyConfig) -> None:
        self.growth, self._config = growth, config
        # The parameters to start from are part of the algorithm: a history must always lead to the same policy.
        self.policy = MetaController(growth.n_features, growth.n_choices, config.units, np.random.default_rng(0))
        self.updates = 0
        """How many there were."""
        self._batch: list[tuple[Sequence[Step], float]] = []
        self._odds: dict[Architecture, Odds] = {}  # of this policy
        self._baselines = Baselines(config.baseline_decay)

    def draw(self, architecture: Architecture, deeper: float, rng: np.random.Generator) -> Move:
        """Draw a step from an architecture that has one: one that inserts a layer, with a probability, or one that widens."""
        prospect = self.growth.prospect(architecture)
        odds = self._odds.get(architecture) or self._odds.setdefault(architecture, self.policy.odds(prospect.situation))
        if prospect.deeper and (rng.random() < deeper or not prospect.wider):
            drawn = int(np.searchsorted(np.cumsum(odds.deeper[:-1]), rng.random(), side="right"))
            return Move(added=prospect.situation.additions[drawn])
        return Move(widened=rng.random(len(odds.wider)) < odds.wider)

    def add(self, path: Sequence[Step], reward: float) -> None:
        """Take note of a network, by the steps that led to it, and learn from the batch that it may complete."""
        advantage = self._baselines.advantage(reward, len(path))
        if not path:
            return
        self._batch.append((path, advantage))
        if len(self._batch) == self._config.batch:
            gradient = self.gradient(self._batch)
            self.policy.move(self._config.learning_rate / len(self._batch) * gradient)
            self._batch, self._odds = [], {}
            self.updates += 1

    def gradient(self, networks: Sequence[tuple[Sequence[Step], float]]) -> np.ndarray:
        """Return Σ advantage · ∇ log-probability of the steps that led to each network, and that of the entropy bonus."""
        steps: list[tuple[Situation, Move, float]] = []
        for path, advantage in networks:
            for parent, child in path:
                move = self.growth.move(parent, child)
                if move is not None:
                    steps.append((self.growth.prospect(parent).situation, move, advantage))
        if not steps:
            return np.zeros_like(self.policy.parameters)
        situations, moves, advantages = zip(*steps, strict=True)
        return self.policy.gradient(self.policy.play(situations, moves), np.array(advantages), self._config.entropy)


class Baselines:
    """Moving averages of rewards: one for each number of steps.

    Args:
        decay: How much of them stays at each reward, in [0, 1). Until there are enough, they are means.
    """

    def __init__(self, decay: float) -> None:
        self._rate = 1 - decay
        self._means: dict[int, tuple[int, float]] = {}
        self._variance = (0, 0.0)

    def advantage(self, reward: float, steps: int) -> float:
        """Return how far a reward is above its baseline, in moving standard deviations; then take note of it.

        Args:
            reward: Of a network.
            steps: How many led to it.
        """
        n, mean = self._means.get(steps, (0, reward))
        self._means[steps] = (n + 1, mean + max(self._rate, 1 / (n + 1)) * (reward - mean))
        if n:
            k, variance = self._variance
            self._variance = (k + 1, variance + max(self._rate, 1 / (k + 1)) * ((reward - mean) ** 2 - variance))
        deviation = math.sqrt(self._variance[1])
        return (reward - mean) / deviation if deviation else 0.0


def reward(trial: Trial, goal: Objective, objectives: Sequence[Objective]) -> float:
    """Return tan(π/2 · accuracy), where a gain from .90 to .91 is worth more than one from .60 to .61 (Cai 2018).

    0 where the trial failed, or is beyond a limit. Of a loss, exp(-loss) is in place of the accuracy: the mean probability of the
    right class.
    """
    place, cost = rank(trial, goal, objectives)
    if place:
        return 0.0
    accuracy = math.exp(-max(cost, 0.0)) if goal.metric == "loss" else -cost
    return math.tan(math.pi / 2 * min(max(accuracy, 0.0), CAP))


def rewarded_goal(problem: Problem) -> Objective:
    """Return the first objective that has a goal; raises `ValueError` where there is none, or it has no reward."""
    goal = first_goal(problem, "eas")
    if (goal.metric, goal.goal) not in REWARDED:
        raise ValueError(
            f"The first goal is to {goal.goal} {goal.metric!r}, but `eas` has a reward only for maximizing `accuracy` and "
            "minimizing `loss`; make one of them the first, and give the others a `limit`."
        )
    return goal
