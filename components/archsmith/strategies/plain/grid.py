"""Grid search: architectures at even distances in the order of enumeration, without chance.

The k-th is at the place k * step modulo the size of the space, where `step` is close to the golden section of the size.
So every architecture comes once, and, unlike on a grid laid out for one budget, those so far are spread evenly at any time:
there are never more than three different distances between neighbouring places, and the widest is a few times the narrowest.

Reference: Świerczkowski 1958, On Successive Settings of an Arc on the Circumference of a Circle
(Fundamenta Mathematicae 46): the three-distance theorem, of which the golden section makes the most. In place of its
real numbers there are whole ones here, so that a space of any size is gone through exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from archsmith.strategies.fold import Fold
from archsmith.strategies.novelty import DRAWS, Novelty
from archsmith.strategies.strategy import Problem, StrategyConfig
from archsmith.strategies.warm_start import REASON
from archsmith.values import Architecture, History, Proposal, Trial

NEAR = 50
"""Steps on both sides of the golden section that are tried; among 100 there is one that is nearly as even."""


RUNNING = 256
"""Places before that of a trial that others may have which are still running: their trials come to the history after it."""


class GridConfig(StrategyConfig):
    """Architectures spread evenly over the space, the same ones for every seed."""

    def build(self, problem: Problem) -> "GridSearch":
        """Make the strategy."""
        return GridSearch(problem)


@dataclass(slots=True)
class _Position:
    """How far a search has come."""

    n_passed: int = 0
    """Architectures of the grid that were proposed, or found to be infeasible or nothing new."""


class GridSearch:
    """Grid search. It makes no use of its generator unless `DRAWS` architectures in a row are infeasible."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._new = Novelty(problem)
        self._step = golden_step(problem.space.size())
        self._position = Fold(_Position, self._pass)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        places = count(self._position(history).n_passed)

        def draw(_: int) -> Proposal:
            k = next(places)
            return Proposal(self._at(k), self._problem.fidelity, reason=f"number {k} of the grid")

        return self._new.propose(history, n, draw, rng)

    def _at(self, k: int) -> Architecture:
        space = self._problem.space
        return space.at(k * self._step % space.size())

    def _pass(self, position: _Position, trial: Trial) -> None:
        """Go to the place after that of `trial`; `Novelty` passes over `DRAWS` of them before it takes another architecture."""
        if trial.proposal.fidelity != self._problem.fidelity or trial.proposal.reason == REASON:  # those are off the grid
            return
        begin = position.n_passed
        near = range(max(0, begin - RUNNING), begin + DRAWS + RUNNING)  # a trial that began before others may end after them
        at = next((k for k in near if self._at(k) == trial.proposal.architecture), begin + DRAWS - 1)
        position.n_passed = max(begin, at + 1)


def golden_step(size: int) -> int:
    """Return a step near the golden section of `size` that goes through all of its places, and evenly.

    It has no divisor in common with `size`; of those within `NEAR`, its continued fraction has the smallest largest
    term: in a row of terms 1 it would be the golden section itself, and a term t leaves gaps t + 2 times the narrowest.
    """
    golden = (math.isqrt(5 * size * size) - size) // 2
    near = range(max(1, golden - NEAR), golden + NEAR + 1)
    return min((s for s in near if math.gcd(s, size) == 1), key=lambda s: (_largest_term(size, s), abs(s - golden)))


def _largest_term(a: int, b: int) -> int:
    """Return the largest term of the continued fraction of a / b, in lowest terms."""
    largest = 0
    while b:
        largest = max(largest, a // b - (a % b == 0))  # a last term t is t - 1 and a 1
        a, b = b, a % b
    return largest
