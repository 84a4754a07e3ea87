"""How many architectures each rung of a bracket takes.

References: Jamieson, Talwalkar 2016, Non-stochastic Best Arm Identification and Hyperparameter Optimization (arXiv:1502.07943),
section 3: successive halving. Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar 2017, Hyperband (arXiv:1603.06560), Algorithm 1.
"""

import math
from dataclasses import dataclass

from archsmith.strategies.rungs.ladder import Ladder


@dataclass(frozen=True, slots=True)
class Plan:
    """A bracket before it is run."""

    first: int
    """The rung of the ladder that its architectures begin on, from 0."""
    sizes: tuple[int, ...]
    """How many there are on that rung and on each above it, up to the top; >= 1."""

    def cost(self, ladder: Ladder) -> float:
        """Return what it costs to its end, in full trainings."""
        return math.fsum(size * ladder.cost(self.first + k, begins=k == 0) for k, size in enumerate(self.sizes))


def halving(n_rungs: int, eta: int, n: int) -> Plan:
    """Return a bracket of `n` architectures over all rungs, of which 1/eta, rounded down, but at least one, goes on each time."""
    return Plan(0, tuple(max(1, n // eta**k) for k in range(n_rungs)))


def all_brackets(n_rungs: int, eta: int) -> tuple[Plan, ...]:
    """Return Hyperband's brackets, the one over all rungs first: s = s_max, ..., 0, of ceil((s_max + 1) / (s + 1) * eta^s)."""
    return tuple(
        Plan(n_rungs - 1 - s, halving(s + 1, eta, -(-n_rungs * eta**s // (s + 1))).sizes) for s in range(n_rungs - 1, -1, -1)
    )
