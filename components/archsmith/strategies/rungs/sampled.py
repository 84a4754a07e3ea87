"""New architectures found by another strategy, which sees the search as if it had no rungs."""

from collections.abc import Sequence

import numpy as np

from archsmith.strategies.ranking import FAILED, first_goal, rank
from archsmith.strategies.rungs.projection import Projection
from archsmith.strategies.strategy import Problem, Strategy
from archsmith.values import Fidelity, History, Proposal

ENOUGH = 10
"""Results that a rung must have for a strategy to learn from it: as many as most draw at random before they learn."""


class Sampled:
    """Asks a strategy that knows nothing of rungs.

    Args:
        strategy: It is asked at the last fidelity of the ladder.
        problem: What is to be solved.
        ladder: The fidelities of the rungs.
        enough: Results that a rung must have for the strategy to learn from it.
        lifts: Whether it also sees what was measured on other rungs, lifted to that one.
    """

    def __init__(
        self, strategy: Strategy, problem: Problem, ladder: Sequence[Fidelity], *, enough: int = ENOUGH, lifts: bool = True
    ) -> None:
        goal = first_goal(problem, "a strategy with rungs")
        self._strategy = strategy
        lifted = [o.metric for o in problem.objectives] if lifts else []
        self._project = Projection(ladder, enough, lambda trial: rank(trial, goal, problem.objectives) != FAILED, lifted)

    def draw(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Return up to `n` architectures that the history has not; see `Source.draw`."""
        return self._strategy.ask(self._project(history), n, rng)
