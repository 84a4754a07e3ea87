"""NSGA-II: several objectives at once, by fronts and by the room that a trial has on its front.

Reference: Deb, Pratap, Agarwal, Meyarivan 2002, A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II
(IEEE Trans. Evol. Comput. 6(2), doi:10.1109/4235.996017): the main loop (III-C), with constraint-domination
for the limits (VI-A). N is `population`.

Where this deviates from the paper:
    - Children need not wait for a whole generation: at each call, the parents are the best N of the generation before and of
      those children that are measured by then.
    - The random start takes at most a third of the budget, where that is less than N.
    - Architectures cross over decision by decision, and every child has one mutation besides, as nothing is measured twice.
    - A failed trial, which has no finite value of an objective, comes after all those beyond a limit, and is no parent.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.spec import Objective
from archsmith.strategies.fold import Fold
from archsmith.strategies.fronts import constrained_fronts, costs_of, failed
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import first_goal
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import History, Proposal, Trial
from archsmith.values.pareto import crowding_distances


class NSGA2Config(StrategyConfig):
    """Multi-objective evolution by fronts and crowding, within the limits (Deb 2002).

    It follows all objectives that have a goal. The defaults suit 100 to 200 trials; the paper's N = 100 is for 25,000.
    """

    population: Annotated[int, Field(ge=2)] = 20
    """N: how many trials may be parents, and how many are random at the start."""
    crossover: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability that a child has two parents, and not one only; 0.9 in the paper, whose budgets leave more time to mutate."""

    def build(self, problem: Problem) -> "NSGA2":
        """Make the strategy; raises `ValueError` where no objective has a goal."""
        return NSGA2(problem, population=self.population, crossover=self.crossover)


class NSGA2:
    """NSGA-II.

    Args:
        problem: What is to be solved; all its objectives with a goal count, and all limits.
        population: N, >= 2.
        crossover: Probability of a crossover, in [0, 1].

    Raises:
        ValueError: no objective has a goal.
    """

    def __init__(self, problem: Problem, *, population: int, crossover: float) -> None:
        first_goal(problem, "nsga2")
        self._problem = problem
        self._new = Novelty(problem)
        self._population = population
        self._crossover = crossover
        self._start = problem.random_start(population)
        self._pool = Fold(_Pool, self._add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        pool = self._pool(history)
        parents = [
            t for t in best(pool.trials, self._problem.objectives, self._population) if not failed(t, self._problem.objectives)
        ]

        def draw(already: int) -> Proposal:
            if not parents or pool.n_trials + already < self._start:
                return Proposal(self._problem.space.sample(rng), self._problem.fidelity, reason="random start")
            return self._child(parents, rng)

        return self._new.propose(history, n, draw, rng)

    def _add(self, pool: "_Pool", trial: Trial) -> None:
        """Add a trial, and keep the best N once there are 2 N: parents and children of a generation."""
        if trial.proposal.fidelity != self._problem.fidelity:
            return
        pool.n_trials += 1
        pool.trials.append(trial)
        if len(pool.trials) >= 2 * self._population:
            pool.trials = best(pool.trials, self._problem.objectives, self._population)

    def _child(self, parents: Sequence[Trial], rng: np.random.Generator) -> Proposal:
        """Return a child of the winners of two tournaments; `parents` are in order, the best first."""
        space = self._problem.space
        # The better of two drawn at random is the one that comes first.
        first, second = (parents[k] for k in rng.integers(len(parents), size=(2, 2)).min(axis=1))
        child, reason = first.proposal.architecture, f"mutation of {first.id}"
        if rng.random() < self._crossover:
            child = space.crossover(child, second.proposal.architecture, rng)
            reason = f"crossover of {first.id} and {second.id}, with a mutation"
        return Proposal(space.mutate(child, rng), self._problem.fidelity, reason=reason)


class _Pool:
    """The last generation, and its children."""

    def __init__(self) -> None:
        self.n_trials = 0
        """How many there were in all."""
        self.trials: list[Trial] = []


def best(trials: Sequence[Trial], objectives: Sequence[Objective], n: int) -> list[Trial]:
    """Return the `n` best trials in the crowded-comparison order (III-B): by front, on a front those with more room first."""
    front = constrained_fronts(trials, objectives)
    costs = costs_of(trials, objectives)
    room = np.zeros(len(trials))
    for k in np.unique(front[np.isfinite(costs).all(axis=1)]):
        room[front == k] = crowding_distances(costs[front == k])
    return [trials[k] for k in np.lexsort((-room, front))[:n]]
