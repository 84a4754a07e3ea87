"""Simulated annealing: a step is taken where it leads to something better, and now and then where it does not.

Reference: Kirkpatrick, Gelatt, Vecchi 1983, Optimization by Simulated Annealing.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.strategies.novelty import Novelty
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import History, Proposal, Trial, seed_from


class AnnealingConfig(StrategyConfig):
    """Simulated annealing: one decision changes at a time, and worse networks are kept, less often the later (Kirkpatrick)."""

    warmth: Annotated[float, Field(gt=0)] = 0.05
    """How much worse a network may be at first to be kept once in e times, in the unit of the first objective."""

    def build(self, problem: Problem) -> "Annealing":
        """Make the strategy for a problem."""
        return Annealing(problem, self.warmth)


class Annealing:
    """Keeps nothing between calls: where it stands follows from the trials alone, in any process."""

    def __init__(self, problem: Problem, warmth: float) -> None:
        self._problem, self._warmth, self._new = problem, warmth, Novelty(problem)
        self._objective = next(o for o in problem.objectives if o.goal)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` neighbours of where it stands; random architectures as long as nothing is known."""
        space, fidelity, here = self._problem.space, self._problem.fidelity, self._standing(history)

        def draw(_: int) -> Proposal:
            if here is None:
                return Proposal(space.sample(rng), fidelity, reason="random")
            step = space.mutate(here.proposal.architecture, rng)
            return Proposal(step, fidelity, reason=f"a step from trial {here.proposal.number}")

        return self._new.propose(history, n, draw, rng)

    def _standing(self, history: History) -> Trial | None:
        """Return the trial that it stands at, by going through all that have a finite value."""
        here: Trial | None = None
        for k, trial in enumerate(history.completed):
            cost = self._objective.cost(trial)
            if math.isfinite(cost) and (here is None or self._steps(cost - self._objective.cost(here), k, trial)):
                here = trial
        return here

    def _steps(self, worse: float, k: int, trial: Trial) -> bool:
        """Tell whether the step to a trial is taken; chance depends on the trial, and so is the same in every process."""
        temperature = self._warmth * max(1e-6, 1 - k / self._problem.budget)
        chance = np.random.default_rng(seed_from(f"annealing/{trial.id}")).random()
        return worse <= 0 or chance < math.exp(-worse / temperature)
