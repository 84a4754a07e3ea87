"""Local search: measure the neighbours of the best architecture, and go to the first one that is better.

Reference: White, Nolen, Savani 2020, Local Search is State of the Art for Neural Architecture Search
Benchmarks (arXiv:2005.02960): Algorithm 1, in its variant that goes on at the first improvement. A neighbour
differs in one decision. Each descent begins with the best of a few random architectures; where it has reached a local
optimum, another one begins.

Where this deviates from the paper:
    - Trials come in batches: those neighbours of one architecture that are measured at the same time.
    - The random start takes at most a third of the budget, so that a short search descends at all.
    - A trial beyond a limit of the objectives loses to any that is within all of them, and a failed one to both.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.strategies.fold import Fold
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import FAILED, first_goal, rank
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import Architecture, History, Proposal, Trial


class LocalSearchConfig(StrategyConfig):
    """Local search: step to a better neighbour until there is none, then begin anew (White 2020).

    It follows the first objective that has a goal, within the limits of all. There is nothing to set but the start.
    """

    start: Annotated[int, Field(ge=1)] = 10
    """Random architectures that each descent begins with. Their best is worth some steps of the descent; 5 to 20 do
    about equally well within 100 trials."""

    def build(self, problem: Problem) -> "LocalSearch":
        """Make the strategy; raises `ValueError` where no objective has a goal."""
        return LocalSearch(problem, start=self.start)


class LocalSearch:
    """Local search.

    Args:
        problem: What is to be solved; its first objective with a goal is what is followed.
        start: Random architectures at the beginning of each descent, >= 1.

    Raises:
        ValueError: no objective has a goal.
    """

    def __init__(self, problem: Problem, *, start: int) -> None:
        self._problem = problem
        self._goal = first_goal(problem, "local-search")
        self._new = Novelty(problem)
        self._start = problem.random_start(start)
        self._descent = Fold(_Descent, self._add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        space, fidelity = self._problem.space, self._problem.fidelity
        descent = self._descent(history)
        neighbors = self._neighbors(descent, rng)

        def draw(already: int) -> Proposal:
            starting = descent.incumbent is None or descent.n_starts + already < self._start
            proposal = None if starting else next(neighbors, None)
            return proposal or Proposal(space.sample(rng), fidelity, reason="random start of a descent")

        return self._new.propose(history, n, draw, rng)

    def _neighbors(self, descent: "_Descent", rng: np.random.Generator) -> Iterator[Proposal]:
        """Yield the neighbours that are left, in random order."""
        if descent.incumbent is None:
            return
        left, reason = list(descent.left), f"neighbor of {descent.incumbent.id}"
        for k in rng.permutation(len(left)):
            yield Proposal(left[k], self._problem.fidelity, reason=reason)

    def _add(self, descent: "_Descent", trial: Trial) -> None:
        """Go on with a descent, or begin the next one where it has come to its end."""
        if trial.proposal.fidelity != self._problem.fidelity:
            return
        architecture = trial.proposal.architecture
        if self._starting(descent):
            descent.n_starts += 1
        elif architecture not in descent.left and self._at_optimum(descent):
            descent.begin()
        descent.measured.add(self._problem.space.canonical(architecture))
        descent.left.pop(architecture, None)
        found = rank(trial, self._goal, self._problem.objectives)
        if found < descent.rank:
            descent.incumbent, descent.rank = trial, found
            descent.left = dict.fromkeys(self._problem.space.neighbors(architecture))

    def _starting(self, descent: "_Descent") -> bool:
        return descent.incumbent is None or descent.n_starts < self._start

    def _at_optimum(self, descent: "_Descent") -> bool:
        """Tell whether no neighbour of the incumbent could still be proposed."""
        canonical, feasible = self._problem.space.canonical, self._problem.feasible
        return not any(canonical(a) not in descent.measured and feasible(a) for a in descent.left)


class _Descent:
    """How far a search has come."""

    def __init__(self) -> None:
        self.measured: set[Architecture] = set()
        """What was measured, by this descent and those before it, each as its `Space.canonical`."""
        self.begin(0)

    def begin(self, n_starts: int = 1) -> None:
        """Forget the incumbent."""
        self.n_starts = n_starts
        """Random architectures that this descent began with so far."""
        self.incumbent: Trial | None = None
        """The best trial of this descent; None while there is none with a finite value of the objective."""
        self.rank = FAILED
        """Its rank."""
        self.left: dict[Architecture, None] = {}
        """Its neighbours that were not proposed yet, in the space's order."""
