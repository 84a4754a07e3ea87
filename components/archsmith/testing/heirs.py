"""A small strategy whose trials inherit, to test with what begins with the weights of another trial."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from archsmith.search import Search
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import History, Inherits, Proposal, Trial

PARENTS = 3
"""Of the trials that are complete, the newest ones may become parents."""


class HeirsConfig(StrategyConfig):
    """Children of the newest trials, each with one decision changed."""

    @property
    def inherits(self) -> bool:
        """They all do, but the first few."""
        return True

    def build(self, problem: Problem) -> "Heirs":
        """Make the strategy."""
        return Heirs(problem)


class Heirs:
    """Mutates the newest trials, at random, and lets each child inherit its parent's weights."""

    def __init__(self, problem: Problem) -> None:
        self._problem, self._novelty = problem, Novelty(problem)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose children of the parents that there are, or random architectures where there are none."""
        parents, space = _parents(history), self._problem.space

        def draw(_: int) -> Proposal:
            if not parents:
                return Proposal(space.sample(rng), self._problem.fidelity, reason="random")
            parent = parents[int(rng.integers(len(parents)))]
            child = space.mutate(parent.proposal.architecture, rng)
            return Proposal(child, self._problem.fidelity, Inherits(parent.id), f"a child of trial {parent.proposal.number}")

        return self._novelty.propose(history, n, draw, rng)

    def keeps(self, history: History) -> frozenset[str]:
        """Return the ids of the trials that may become parents yet."""
        return frozenset(trial.id for trial in _parents(history))


def with_heirs(search: Search) -> Search:
    """Return a search whose trials inherit."""
    return replace(search, strategy_config=HeirsConfig())


def _parents(history: History) -> Sequence[Trial]:
    return history.completed[-PARENTS:]
