"""Evolution by tournaments of two: the better one has a child, the worse one dies.

Reference: Real, Moore, Selle, Saxena, Suematsu, Tan, Le, Kurakin 2017, Large-Scale Evolution of Image
Classifiers (arXiv:1703.01041), sections 3.1 and 3.6. Each of its workers draws two individuals from the population at random,
kills the worse one, and puts a mutation of the better one into the population once that is trained.

Where this deviates from the paper:
    - The parent and the dead are those of two tournaments. Nothing is kept between calls, so who died is found again from
      the history; for that, each child's own id says which two met for its place.
    - The random start, which fills the population, takes at most a third of the budget.
    - Trials come in batches: the children of one call have the same population to come from.
    - A child inherits weights only with `inherit`. It then has those of layers of equal shape, as in the paper, and those of
      wider or smaller ones as far as an operation leads from one to the other; that of a parent which was stopped early has none.
    - A trial beyond a limit of the objectives loses to any that is within all of them, and a failed one to both.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.strategies.fold import Fold
from archsmith.strategies.inheritance import kept_of, origin
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import FAILED, first_goal, rank
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import FromScratch, History, Proposal, Trial


class TournamentConfig(StrategyConfig):
    """Evolution by tournaments of two: the better one mutates, the worse one dies (Real 2017).

    It follows the first objective that has a goal, within the limits of all. The paper's population of 1000 is for tens
    of thousands of trials: a tournament of two prefers the better ones so little that 100 trials need a small population.
    """

    population: Annotated[int, Field(ge=2)] = 5
    """How many are alive; as many are random at the start, but at most a third of the budget."""
    inherit: bool = False
    """Whether a child begins with its parent's weights, as far as they fit, and not from scratch. It then needs fewer epochs: set
    `estimation.epochs` to a third or so of what a training from scratch would have."""

    @property
    def inherits(self) -> bool:
        """Whether children begin with their parents' weights."""
        return self.inherit

    def build(self, problem: Problem) -> "Tournament":
        """Make the strategy; raises `ValueError` where no objective has a goal."""
        return Tournament(problem, population=self.population, inherit=self.inherit)


class Tournament:
    """Evolution by tournaments of two.

    Args:
        problem: What is to be solved; its first objective with a goal is the fitness.
        population: How many are alive, >= 2.
        inherit: Whether a child begins with its parent's weights.

    Raises:
        ValueError: no objective has a goal.
    """

    def __init__(self, problem: Problem, *, population: int, inherit: bool = False) -> None:
        self._problem = problem
        self._goal = first_goal(problem, "tournament")
        self._new = Novelty(problem)
        self._population = max(2, problem.random_start(population))
        self._inherit = inherit
        self._alive = Fold(list[_Individual], self._add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        alive = self._alive(history)

        def draw(already: int) -> Proposal:
            if len(alive) + already < self._population or len(alive) < 2:
                return self._random("random start", rng)
            better = min(_two(rng.random(), len(alive)), key=lambda k: alive[k][0])
            ranked, parent = alive[better]
            return self._random("random, as both parents failed", rng) if ranked == FAILED else self._child(parent, rng)

        return self._new.propose(history, n, draw, rng)

    def keeps(self, history: History) -> frozenset[str]:
        """Return the trials that are alive and may be parents; see `Keeps`."""
        parents = (trial for ranked, trial in self._alive(history) if ranked != FAILED)
        return kept_of(parents) if self._inherit else frozenset()

    def _random(self, reason: str, rng: np.random.Generator) -> Proposal:
        return Proposal(self._problem.space.sample(rng), self._problem.fidelity, reason=reason)

    def _child(self, parent: Trial, rng: np.random.Generator) -> Proposal:
        child = self._problem.space.mutate(parent.proposal.architecture, rng)
        begins = origin(parent) if self._inherit else FromScratch()
        return Proposal(child, self._problem.fidelity, begins, f"mutation of {parent.id}, the better of two")

    def _add(self, alive: "list[_Individual]", trial: Trial) -> None:
        """Let a trial into the population, in the place of the worse of two where that is full."""
        if trial.proposal.fidelity != self._problem.fidelity:
            return
        individual = rank(trial, self._goal, self._problem.objectives), trial
        if len(alive) < self._population:
            alive.append(individual)
        else:
            worse = max(_two(int(trial.id, 16) / 16 ** len(trial.id), len(alive)), key=lambda k: alive[k][0])
            alive[worse] = individual


_Individual = tuple[tuple[int, float], Trial]
"""A trial and its rank."""


def _two(drawn: float, n: int) -> tuple[int, int]:
    """Return two different numbers below `n`, from one that is uniform in [0, 1)."""
    first, second = divmod(int(drawn * n * (n - 1)), n - 1)
    return first, second + (second >= first)
