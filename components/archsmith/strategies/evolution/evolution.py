"""Regularised (ageing) evolution: the best of a few mutates, the eldest dies.

Reference: Real, Aggarwal, Huang, Le 2019, Regularized Evolution for Image Classifier Architecture
Search (arXiv:1802.01548), Algorithm 1. P is `population` and S is `sample`. The queue is not kept: it
is the P youngest trials of the history, which is what is left of it when each child pushes out the eldest.

Where this deviates from the paper:
    - Trials come in batches: the children of one call have the same population to come from.
    - The random start takes at most a third of the budget, where that is less than P, so that a short
      search evolves at all. The population then grows to P.
    - A child that was measured before is not trained again: another is made from Algorithm 1, lines 9-16.
    - A trial beyond a limit of the objectives loses to any that is within all of them. A failed trial
      takes its place in the population, as any child does, and dies of age, but never is a parent.
    - With `inherit`, a child begins with its parent's weights, where the paper trains each from scratch; that of a parent which
      was stopped early does not.
"""

import sys
from collections import deque
from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from archsmith.spaces.space import Space
from archsmith.strategies.fold import Fold
from archsmith.strategies.inheritance import kept_of, origin
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import FAILED, first_goal, rank
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import Architecture, FromScratch, History, Proposal, Trial


class EvolutionConfig(StrategyConfig):
    """Regularised evolution: mutate the best of a few recent trials; old ones die (Real 2019).

    It follows the first objective that has a goal, within the limits of all. The defaults suit 40 to 100
    trials: the paper's P = 100, S = 25 is for 20,000, and would spend such a budget on its random start.
    With so few children, each should have a good parent, so S is as large as P and not a quarter of it: as it is
    drawn with replacement, the best of the population is the parent of two children in three.
    """

    population: Annotated[int, Field(ge=2)] = 20
    """P: how many of the youngest trials may be parents, and how many are random at the start."""
    sample: Annotated[int, Field(ge=2)] | None = None
    """S: how many of them are drawn for each child; the best of these is its parent. More is greedier. As many as
    `population` where it is left out."""
    inherit: bool = False
    """Whether a child begins with its parent's weights, as far as they fit, and not from scratch. It then needs fewer epochs: set
    `estimation.epochs` to a third or so of what a training from scratch would have."""

    @property
    def inherits(self) -> bool:
        """Whether children begin with their parents' weights."""
        return self.inherit

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.sample is not None and self.sample > self.population:
            raise ValueError(f"`sample` is {self.sample}, but must be at most `population`, which is {self.population}")
        return self

    def build(self, problem: Problem) -> "Evolution":
        """Make the strategy; raises `ValueError` where no objective has a goal."""
        return Evolution(problem, population=self.population, sample=self.sample or self.population, inherit=self.inherit)


class Evolution:
    """Regularised evolution.

    Args:
        problem: What is to be solved; its first objective with a goal is the fitness.
        population: P, >= 1.
        sample: S, >= 1.
        inherit: Whether a child begins with its parent's weights.

    Raises:
        ValueError: no objective has a goal.
    """

    def __init__(self, problem: Problem, *, population: int, sample: int, inherit: bool = False) -> None:
        self._problem = problem
        self._goal = first_goal(problem, "evolution")
        self._new = Novelty(problem)
        self._population = population
        self._sample = sample
        self._inherit = inherit
        self._start = problem.random_start(population)
        self._queue = Fold(lambda: _Queue(population), self._add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        queue = self._queue(history)
        ranks, parents = list(queue.ranks), queue.trials

        def draw(already: int) -> Proposal:
            if not ranks or queue.n_trials + already < self._start:  # Alg. 1, lines 3-8
                return self._random("random start", rng)
            drawn = rng.integers(len(ranks), size=self._sample).tolist()  # lines 10-14, with replacement
            best = min(drawn, key=ranks.__getitem__)  # line 15
            return (
                self._random("random, as its parents failed", rng) if ranks[best] == FAILED else self._child(parents[best], rng)
            )

        return self._new.propose(history, n, draw, rng)

    def keeps(self, history: History) -> frozenset[str]:
        """Return the trials that may be parents yet; see `Keeps`."""
        queue = self._queue(history)
        parents = (trial for trial, ranked in zip(queue.trials, queue.ranks, strict=True) if ranked != FAILED)
        return kept_of(parents) if self._inherit else frozenset()

    def _add(self, queue: "_Queue", trial: Trial) -> None:
        if trial.proposal.fidelity == self._problem.fidelity:
            queue.n_trials += 1
            queue.trials.append(trial)
            queue.ranks.append(rank(trial, self._goal, self._problem.objectives))

    def _random(self, reason: str, rng: np.random.Generator) -> Proposal:
        return Proposal(self._problem.space.sample(rng), self._problem.fidelity, reason=reason)

    def _child(self, parent: Trial, rng: np.random.Generator) -> Proposal:
        """Return a mutation of `parent` (Alg. 1, line 16)."""
        old = parent.proposal.architecture
        new = self._problem.space.mutate(old, rng)
        reason = f"mutation of {parent.id}: {_change(self._problem.space, old, new)}"
        return Proposal(new, self._problem.fidelity, origin(parent) if self._inherit else FromScratch(), reason)


class _Queue:
    """The population: the youngest trials, the eldest first."""

    def __init__(self, population: int) -> None:
        self.n_trials = 0
        """How many there were in all."""
        most = min(population, sys.maxsize)  # no history is as long, and no queue may be longer
        self.trials = deque[Trial](maxlen=most)
        self.ranks = deque[tuple[int, float]](maxlen=most)


def _change(space: Space, old: Architecture, new: Architecture) -> str:
    """Say what a mutation changed: the first decision that differs, as those it makes active come after it."""
    pairs = zip(space.decisions, old.choices, new.choices, strict=True)
    return next(f"{decision.name} {a} → {b}" for decision, a, b in pairs if a != b)
