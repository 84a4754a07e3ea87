"""Random search without repeats: the baseline that every strategy must beat.

Reference: Li, Talwalkar 2019, Random Search and Reproducibility for Neural Architecture Search
(arXiv:1902.07638).
"""

from collections.abc import Sequence

import numpy as np

from archsmith.strategies.novelty import Novelty
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import History, Proposal


class RandomConfig(StrategyConfig):
    """Architectures at random, each choice as likely as any other, none twice."""

    def build(self, problem: Problem) -> "RandomSearch":
        """Make the strategy."""
        return RandomSearch(problem)


class RandomSearch:
    """Random search without repeats."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._new = Novelty(problem)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        space, fidelity = self._problem.space, self._problem.fidelity
        return self._new.propose(history, n, lambda _: Proposal(space.sample(rng), fidelity, reason="random"), rng)
