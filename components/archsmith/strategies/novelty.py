"""Propose only what is new and feasible: shared by the strategies that draw candidates one by one."""

from collections.abc import Callable, Iterator, Set
from functools import cache

import numpy as np

from archsmith.errors import InfeasibleError
from archsmith.strategies.fold import Fold
from archsmith.strategies.strategy import Problem
from archsmith.values import Architecture, History, Proposal, Trial

Draw = Callable[[int], Proposal]
"""Makes a candidate, given how many proposals have no trial yet: what is running, and those of this call so far. It may be
called many times."""

DRAWS = 50
"""Candidates of the strategy's own until it counts as stuck, and as many more as are running, each of which it may come upon;
near its end, a small space has nothing new around a parent."""
SAMPLES = 1000
"""Random candidates after that; where 1 in 150 is new and feasible, one is missed once in 800 times."""
SMALL = 20_000
"""Spaces up to this size are listed after that, so that nothing is missed: the longest history that a search is made for."""


class Novelty:
    """Makes proposals that are new and feasible, out of a strategy's candidates. A strategy keeps one of its own.

    Args:
        problem: What is to be solved.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._measured = Fold[set[Architecture]](set, self._add)

    def propose(self, history: History, n: int, draw: Draw, rng: np.random.Generator) -> list[Proposal]:
        """Return up to `n` candidates that are feasible, different, and neither measured nor running at the problem's fidelity.

        Two architectures that are the same network are not different. Each candidate comes from `draw`; where that finds
        nothing new, from those that are listed; where none are, from the space at random, and then from what is left of a
        small space. Fewer come back where even that finds nothing.

        Raises:
            InfeasibleError: nothing was found, and the search has no trials yet; later, the trials there are count.
        """
        if n < 1:
            return []
        problem = self._problem
        screen = _Screen(problem, self._measured(history))
        running = [p.architecture for p in history.running if p.fidelity == problem.fidelity]
        for architecture in running:
            screen.take(architecture)
        found: list[Proposal] = []
        while len(found) < n and screen.may_pass_more():
            candidates = _candidates(problem, lambda: draw(len(running) + len(found)), DRAWS + len(running), screen, rng)
            new = next((c for c in candidates if screen.passes(c.architecture)), None)
            if new is None:
                break
            found.append(new)
            screen.take(new.architecture)
        if not found and not len(history) and not history.running:
            raise InfeasibleError(
                f"None of {len(screen.infeasible)} architectures of the space {problem.space.name!r} is within the limits on "
                "what is known without training; raise the limits, or let the space have smaller networks."
            )
        return found

    def measured(self, history: History) -> Set[Architecture]:
        """Return what was measured at the problem's fidelity, each as its `Space.canonical`."""
        return self._measured(history)

    def _add(self, measured: set[Architecture], trial: Trial) -> None:
        if trial.proposal.fidelity == self._problem.fidelity:
            measured.add(self._problem.space.canonical(trial.proposal.architecture))


class _Screen:
    """What may be proposed."""

    def __init__(self, problem: Problem, measured: Set[Architecture]) -> None:
        self._problem = problem
        self._canonical = cache(problem.space.canonical)  # a strategy that is sure of something draws it again and again
        self._measured = measured
        self._taken: set[Architecture] = set()
        self.infeasible: set[Architecture] = set()

    def take(self, architecture: Architecture) -> None:
        """Remember that an architecture is proposed."""
        self._taken.add(self._canonical(architecture))

    def may_pass_more(self) -> bool:
        """Tell whether there is an architecture of which it isn't known that it can't be proposed."""
        return len(self._measured) + len(self._taken) + len(self.infeasible) < self._problem.space.size()

    def knows(self, architecture: Architecture) -> bool:
        """Tell whether an architecture, or one with the same network, was proposed, or found to be infeasible."""
        canonical = self._canonical(architecture)
        return canonical in self._measured or canonical in self._taken or architecture in self.infeasible

    def passes(self, architecture: Architecture) -> bool:
        """Tell whether an architecture is new and feasible, and remember it where it is not feasible."""
        if self.knows(architecture):
            return False
        if not self._problem.feasible(architecture):
            self.infeasible.add(architecture)
            return False
        return True


def _candidates(
    problem: Problem, draw: Callable[[], Proposal], draws: int, screen: _Screen, rng: np.random.Generator
) -> Iterator[Proposal]:
    """Yield candidates, so many of the strategy's own first."""
    space = problem.space
    yield from (draw() for _ in range(draws))
    if problem.listed:
        for k in rng.permutation(len(problem.listed)):
            yield Proposal(problem.listed[k], problem.fidelity, reason="random, of those that can be measured")
        return
    for _ in range(SAMPLES):
        yield Proposal(space.sample(rng), problem.fidelity, reason="random, as nothing else was new")
    if space.size() <= SMALL:
        left = [a for a in space.enumerate() if not screen.knows(a)]
        for k in rng.permutation(len(left)):
            yield Proposal(left[k], problem.fidelity, reason="one of the last of the space")
