"""Hill climbing: a network grows by random morphisms, and the best of a few children goes on.

Reference: Elsken, Metzen, Hutter 2017, Simple and Efficient Architecture Search for Convolutional Neural Networks
(arXiv:1711.04528), Algorithm 1. n_neigh is `neighbors` and n_NM is `steps`; epoch_neigh are the epochs of the search's fidelity,
over which the learning rate of each child falls along a cosine from its start.

Where this deviates from the paper:
    - It begins with the best of a few small networks, not with one that is given.
    - The parent competes with its children by what it has reached. The paper trains it as long again as them, but nothing is
      measured twice here; where it stays the best, it has other children.
    - Nobody waits for the last children of a generation: who is free begins another one of the same parent. That competes with
      the next generation.
    - Networks do not grow without end in a space: where no step leads from the parent to one that is new, those of the next
      generation are random, and the best of them begins another climb.
    - A trial beyond a limit of the objectives loses to any that is within all of them; one that failed, or was stopped early, is
      no parent.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.spaces.morphing import morphisms
from archsmith.strategies.fold import Fold
from archsmith.strategies.inheritance import kept_of, may_bequeath
from archsmith.strategies.inheriting.children import Steps, child, refuse_unmorphable
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import first_goal, rank
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.strategies.warm_start import REASON
from archsmith.values import Architecture, History, Inherits, Proposal, Trial
from archsmith.values.scores import ScoreName

SIZE: ScoreName = "n_params"
"""The score by which networks are small."""


class HillClimbingConfig(StrategyConfig):
    """Hill climbing: a small network grows step by step, each child with its parent's weights (Elsken 2017).

    It follows the first objective that has a goal, within the limits of all. As children begin with trained weights, a few
    epochs are enough for each.
    """

    neighbors: Annotated[int, Field(ge=1)] = 8
    """n_neigh: children of one parent, trained side by side; the best of them is the next parent if it is better."""
    steps: Annotated[int, Field(ge=1)] = 2
    """n_NM: random morphisms in a row that lead to a child. The paper's 5 are for networks that grow without end; a space with a
    few widths and depths is at its end after a few generations of so many."""
    start: Annotated[int, Field(ge=1)] = 4
    """Networks that each climb begins with, trained from scratch; the best one is the first parent. At most a third of the
    budget."""
    smallest_of: Annotated[int, Field(ge=1)] = 1
    """Each of these is the one with the fewest parameters of so many at random; 1 takes them as they come. More leaves more
    room to grow, and trains faster; but where a layer may be one without weights, the smallest networks have nothing else."""

    @property
    def inherits(self) -> bool:
        """Whether children begin with their parents' weights: always."""
        return True

    @property
    def wanted_scores(self) -> tuple[ScoreName, ...]:
        """What tells which network is small."""
        return (SIZE,) if self.smallest_of > 1 else ()

    def build(self, problem: Problem) -> "HillClimbing":
        """Make the strategy; raises `ValueError` where no objective has a goal, or the space has no morphisms."""
        return HillClimbing(problem, neighbors=self.neighbors, steps=self.steps, start=self.start, smallest_of=self.smallest_of)


class HillClimbing:
    """Hill climbing by morphisms.

    Args:
        problem: What is to be solved; its first objective with a goal is what is followed.
        neighbors: Children of one parent, >= 1.
        steps: Morphisms that lead to a child, >= 1.
        start: Networks to begin with, >= 1.
        smallest_of: How many are drawn for each of these, >= 1; the smallest one is taken, where the problem has scores.

    Raises:
        ValueError: no objective has a goal, or no step in the space is a morphism.
    """

    def __init__(self, problem: Problem, *, neighbors: int, steps: int, start: int, smallest_of: int) -> None:
        refuse_unmorphable(problem.space, "hill-climbing")
        self._problem = problem
        self._goal = first_goal(problem, "hill-climbing")
        self._new = Novelty(problem)
        self._morphisms = Steps(problem.space, morphisms)
        self._neighbors = neighbors
        self._steps = steps
        self._start = problem.random_start(start)
        self._smallest_of = smallest_of if problem.scores else 1
        self._climb = Fold(_Climb, self._add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        parent = self._climb(history).parent

        def draw(_: int) -> Proposal:
            if parent is None:
                return self._small(rng)
            grown = child(self._problem, parent, lambda a: self._morphisms.draw(a, rng), self._steps)
            return grown or self._random(f"random, as no step leads on from {parent.id}", rng)

        return self._new.propose(history, n, draw, rng)

    def keeps(self, history: History) -> frozenset[str]:
        """Return the parent, and those that compete to be the next one; see `Keeps`."""
        climb = self._climb(history)
        return kept_of(self._good([*([climb.parent] if climb.parent else []), *climb.generation]))

    def _add(self, climb: "_Climb", trial: Trial) -> None:
        """Let a trial compete, and where its generation is complete, go on from the best."""
        if trial.proposal.fidelity != self._problem.fidelity:
            return
        climb.generation.append(trial)
        if len(climb.generation) == (self._start if climb.parent is None else self._neighbors):
            climb.parent = min(self._good(climb.candidates()), key=self._rank, default=None)
            climb.generation = []

    def _good(self, trials: Sequence[Trial]) -> list[Trial]:
        return [t for t in trials if may_bequeath(t, self._goal, self._problem.objectives)]

    def _rank(self, trial: Trial) -> tuple[int, float]:
        return rank(trial, self._goal, self._problem.objectives)

    def _small(self, rng: np.random.Generator) -> Proposal:
        """Return a network to begin with."""
        if self._smallest_of == 1:
            return self._random("random start", rng)
        several = [self._problem.space.sample(rng) for _ in range(self._smallest_of)]
        return Proposal(min(several, key=self._size), self._problem.fidelity, reason=f"the smallest of {len(several)} at random")

    def _size(self, architecture: Architecture) -> float:
        assert self._problem.scores is not None
        size = self._problem.scores(architecture)[SIZE]
        return np.inf if np.isnan(size) else size

    def _random(self, reason: str, rng: np.random.Generator) -> Proposal:
        return Proposal(self._problem.space.sample(rng), self._problem.fidelity, reason=reason)


class _Climb:
    """How far a search has come."""

    def __init__(self) -> None:
        self.parent: Trial | None = None
        """The network that grows; None while there is none."""
        self.generation: list[Trial] = []
        """What has ended since it is the parent, its children most of all."""

    def candidates(self) -> Sequence[Trial]:
        """Return those of which the best will be the next parent, the first one of equals.

        Where no child is among them, the climb is at its end, and those are the start of another one.
        """
        inherited = any(isinstance(t.proposal.origin, Inherits) or t.proposal.reason == REASON for t in self.generation)
        return [self.parent, *self.generation] if self.parent and inherited else self.generation
