"""LEMONADE: a front of networks, from whose thinly populated places children grow and shrink with their parents' weights.

Reference: Elsken, Metzen, Hutter 2019, Efficient Multi-Objective Neural Architecture Search via Lamarckian Evolution
(arXiv:1804.09081), Algorithm 1. The population P is the front; f_cheap are those objectives that a network has before it is
trained, its parameters and multiply-adds. n_ac is one, as many times as the strategy is asked for a proposal, and n_pc / n_ac is
`children`. Parents are drawn by equation 1, and the children that are trained by equation 2.

Where this deviates from the paper:
    - Nobody waits for a generation: at each call, the front is that of all trials by then.
    - The density is that of the logarithms of the cheap objectives, as twice the parameters mean the same to a small network and
      to a large one; see `density` for its bandwidth.
    - It begins with networks at random, up to a third of the budget, not with a few that are given.
    - A child is a step away, as likely one that keeps what the network computes as one that makes it smaller.
    - Limits of the objectives count by constraint-domination, as in NSGA-II: where nothing is within them, the front is what is
      beyond them least.
    - Where nothing is known of a network before it is trained, every child is accepted; without a cheap objective, all parents
      are equally likely.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from archsmith.spaces.morphing import Morphism, morphisms, shrinkings
from archsmith.strategies.fold import Fold
from archsmith.strategies.fronts import constrained_fronts, failed
from archsmith.strategies.inheritance import kept_of
from archsmith.strategies.inheriting.children import Steps, child, refuse_unmorphable
from archsmith.strategies.inheriting.density import thinly
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import first_goal
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.values import Architecture, History, Proposal, Trial
from archsmith.values.metrics import STATIC
from archsmith.values.scores import ScoreName

Array = npt.NDArray[np.float64]


class LemonadeConfig(StrategyConfig):
    """A front of several objectives, whose networks grow and shrink with their weights (LEMONADE, Elsken 2019).

    It follows all objectives that have a goal, within the limits. It is for searches of which one goal is `n_params` or `flops`:
    these are known without training, and tell where the front has gaps.
    """

    start: Annotated[int, Field(ge=1)] = 8
    """Networks at random to begin with, trained from scratch; at most a third of the budget."""
    children: Annotated[int, Field(ge=1)] = 10
    """n_pc / n_ac: children that are made for each that is trained; more fill the gaps of the front, and reach further beyond its
    ends."""
    steps: Annotated[int, Field(ge=1)] = 1
    """Steps that lead from a parent to a child."""

    @property
    def inherits(self) -> bool:
        """Whether children begin with their parents' weights: always."""
        return True

    @property
    def wanted_scores(self) -> tuple[ScoreName, ...]:
        """The cheap objectives that there may be."""
        return ("flops", "n_params")

    def build(self, problem: Problem) -> "Lemonade":
        """Make the strategy; raises `ValueError` where no objective has a goal, or the space has no morphisms."""
        return Lemonade(problem, start=self.start, children=self.children, steps=self.steps)


class Lemonade:
    """LEMONADE.

    Args:
        problem: What is to be solved; all its objectives with a goal count, and all limits.
        start: Networks at random, >= 1.
        children: Made for each that is accepted, >= 1.
        steps: Steps to a child, >= 1.

    Raises:
        ValueError: no objective has a goal, or no step in the space is a morphism.
    """

    def __init__(self, problem: Problem, *, start: int, children: int, steps: int) -> None:
        refuse_unmorphable(problem.space, "lemonade")
        first_goal(problem, "lemonade")
        self._problem = problem
        self._cheap = [o.metric for o in problem.objectives if o.goal and o.metric in STATIC]
        self._kinds = [Steps(problem.space, kind) for kind in (morphisms, shrinkings)]
        self._new = Novelty(problem)
        self._start = problem.random_start(start)
        self._children = children if problem.scores and self._cheap else 1
        self._steps = steps
        self._population = Fold(_Population, self._add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        population = self._population(history)
        front = list(population.front)
        sizes = self._logs([t.metrics for t in front])
        likely = thinly(sizes, sizes) if front else sizes  # Alg. 1, lines 4 and 5

        def draw(already: int) -> Proposal:
            if not front or population.n_trials + already < self._start:
                return self._random("random start", rng)
            parents = rng.choice(len(front), size=self._children, p=likely)
            made = [child(self._problem, front[k], lambda a: self._step(a, rng), self._steps) for k in parents]  # line 6
            some = [c for c in made if c]
            return self._accepted(some, sizes, history, rng) if some else self._random("random, as no step leads on", rng)

        return self._new.propose(history, n, draw, rng)

    def keeps(self, history: History) -> frozenset[str]:
        """Return the front; see `Keeps`."""
        return kept_of(self._population(history).front)

    def _add(self, population: "_Population", trial: Trial) -> None:
        """Let a trial into the front, and out of it what that dominates (line 10)."""
        if trial.proposal.fidelity != self._problem.fidelity:
            return
        population.n_trials += 1
        if trial.status == "complete" and not failed(trial, self._problem.objectives):
            several = [*population.front, trial]
            rows = constrained_fronts(several, self._problem.objectives)
            population.front = [t for t, row in zip(several, rows, strict=True) if row == rows.min()]

    def _accepted(self, made: Sequence[Proposal], sizes: Array, history: History, rng: np.random.Generator) -> Proposal:
        """Return one of the children, more likely one of a size that the front has not (lines 7 and 8)."""
        known, canonical = self._new.measured(history), self._problem.space.canonical
        new = [c for c in made if canonical(c.architecture) not in known]
        if len(new) < 2 or self._problem.scores is None:
            return (new or made)[0]
        scores = self._logs([self._problem.scores(c.architecture) for c in new])
        return new[rng.choice(len(new), p=thinly(sizes, scores))]

    def _step(self, architecture: Architecture, rng: np.random.Generator) -> Morphism | None:
        """Draw a step that grows or one that shrinks, the other one where there is none of a kind."""
        found = (kind.draw(architecture, rng) for kind in (self._kinds if rng.random() < 0.5 else self._kinds[::-1]))
        return next((step for step in found if step), None)

    def _logs(self, values: Sequence[Mapping[str, float]]) -> Array:
        """Return the logarithms of the cheap objectives: (n, n_cheap)."""
        raw = np.array([[v[name] for name in self._cheap] for v in values], dtype=float).reshape(len(values), len(self._cheap))
        return np.asarray(np.log1p(raw))

    def _random(self, reason: str, rng: np.random.Generator) -> Proposal:
        return Proposal(self._problem.space.sample(rng), self._problem.fidelity, reason=reason)


class _Population:
    """What there is to breed from."""

    def __init__(self) -> None:
        self.n_trials = 0
        """How many there were in all."""
        self.front: list[Trial] = []
        """Those that no other one dominates, in the order of their numbers."""
