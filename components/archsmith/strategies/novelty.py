"""Propose only what is new and feasible: shared by the strategies that draw candidates one by one."""

from collections.abc import Callable, Iterator

import numpy as np

from archsmith.errors import InfeasibleError
from archsmith.strategies.strategy import Problem
from archsmith.values import Architecture, History, Proposal

Draw = Callable[[int], Proposal]
"""Makes a candidate, given how many were proposed in this call so far; it may be called many times."""

DRAWS = 50
"""Candidates of the strategy's own until it counts as stuck; near its end, a small space has nothing new around a parent."""
SAMPLES = 1000
"""Random candidates after that; where 1 in 150 is new and feasible, one is missed once in 800 times."""
SMALL = 20_000
"""Spaces up to this size are listed after that, so that nothing is missed: the longest history that a search is made for."""


def propose_new(problem: Problem, history: History, n: int, draw: Draw, rng: np.random.Generator) -> list[Proposal]:
    """Return up to `n` candidates that are feasible, different, and not measured at the problem's fidelity.

    Each comes from `draw`; where that finds nothing new, from the space at random, and then from what is
    left of a small space. Fewer come back where even that finds nothing.

    Raises:
        InfeasibleError: nothing was found, and the search has no trials yet; later, the trials there are count.
    """
    if n < 1:
        return []
    screen = _Screen(problem, history)
    found: list[Proposal] = []
    while len(found) < n and screen.may_pass_more():
        candidates = _candidates(problem, lambda: draw(len(found)), screen, rng)
        new = next((c for c in candidates if screen.passes(c.architecture)), None)
        if new is None:
            break
        found.append(new)
        screen.taken.add(new.architecture)
    if not found and not len(history):
        raise InfeasibleError(
            f"None of {len(screen.infeasible)} architectures of the space {problem.space.name!r} is within the limits on "
            "what is known without training; raise the limits, or let the space have smaller networks."
        )
    return found


class _Screen:
    """What may be proposed."""

    def __init__(self, problem: Problem, history: History) -> None:
        self._problem = problem
        self.taken = {architecture for architecture, fidelity in history.measured if fidelity == problem.fidelity}
        self.infeasible: set[Architecture] = set()

    def may_pass_more(self) -> bool:
        """Tell whether there is an architecture of which it isn't known that it can't be proposed."""
        return len(self.taken) + len(self.infeasible) < self._problem.space.size()

    def passes(self, architecture: Architecture) -> bool:
        """Tell whether an architecture is new and feasible, and remember it where it is not feasible."""
        if architecture in self.taken or architecture in self.infeasible:
            return False
        if not self._problem.feasible(architecture):
            self.infeasible.add(architecture)
            return False
        return True


def _candidates(problem: Problem, draw: Callable[[], Proposal], screen: _Screen, rng: np.random.Generator) -> Iterator[Proposal]:
    """Yield candidates, the strategy's own first."""
    space = problem.space
    yield from (draw() for _ in range(DRAWS))
    for _ in range(SAMPLES):
        yield Proposal(space.sample(rng), problem.fidelity, reason="random, as nothing else was new")
    if space.size() <= SMALL:
        left = [a for a in space.enumerate() if a not in screen.taken and a not in screen.infeasible]
        for k in rng.permutation(len(left)):
            yield Proposal(left[k], problem.fidelity, reason="one of the last of the space")
