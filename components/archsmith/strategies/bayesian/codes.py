"""Architectures as rows of small integers, so that hundreds of them are made and compared at once.

A code is 0 where a decision is not active, and 1 + k where its k-th choice is taken. All functions here do what the
`Space` does for one architecture, for many of them: in tens of microseconds a decision, whatever their number.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from archsmith.spaces.decisions import Decision
from archsmith.spaces.space import Space
from archsmith.strategies.bayesian.layout import Layout
from archsmith.values import Architecture

Rows = npt.NDArray[np.int64]
"""Codes of some architectures: (n, n_decisions)."""


class Codes:
    """Turns the architectures of a space into codes and back, and samples, mutates and crosses codes.

    Args:
        space: Where the architectures come from; only its name and its decisions are used.
    """

    def __init__(self, space: Space) -> None:
        self._space = space.name
        self._choices = [(None, *d.choices) for d in space.decisions]
        self._code = [{choice: code for code, choice in enumerate(choices)} for choices in self._choices]
        self._n_choices = np.array([len(d.choices) for d in space.decisions])
        alike = [_alike(d) for d in space.decisions]
        self._start = np.cumsum([0, *(table.shape[1] for table in alike)])
        self._alike = {k: table for k, (d, table) in enumerate(zip(space.decisions, alike, strict=True)) if d.ordered}
        self._others = np.array([k for k, d in enumerate(space.decisions) if not d.ordered], dtype=np.int64)
        place = {d.name: k for k, d in enumerate(space.decisions)}
        self._conditions = [
            (
                k,
                [(place[name], self._mask(place[name], allowed, inactive=0)) for name, allowed in d.when.items()]
                + [(place[name], self._mask(place[name], allowed, inactive=1)) for name, allowed in d.if_active.items()],
            )
            for k, d in enumerate(space.decisions)
            if d.is_conditional
        ]

    @property
    def n_decisions(self) -> int:
        """How many decisions the space has."""
        return len(self._choices)

    @cached_property
    def layout(self) -> Layout:
        """What the columns of `vectors` are: those of one decision after the other, a weight each, all in one part."""
        return Layout(np.repeat(np.arange(self.n_decisions), np.diff(self._start)), (self.n_decisions,))

    def encode(self, architectures: Sequence[Architecture]) -> Rows:
        """Return the codes of architectures."""
        rows = [[codes[c] for codes, c in zip(self._code, a.choices, strict=True)] for a in architectures]
        return np.array(rows, dtype=np.int64).reshape(len(rows), self.n_decisions)

    def decode(self, row: npt.NDArray[np.int64]) -> Architecture:
        """Return the architecture with these codes: (n_decisions,)."""
        choices = (choices[code] for choices, code in zip(self._choices, row.tolist(), strict=True))
        return Architecture(self._space, tuple(choices))

    def vectors(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return (n, n_columns), so that the product of two rows says in how many decisions they are alike.

        Different choices of a decision count 0. Where they have an order, they count the less the farther they are from each
        other: 1 - |a - b| / (n_choices - 1), in places of that order. What is not active is like nothing else.
        """
        vectors = np.zeros((len(rows), self._start[-1]))
        vectors[np.arange(len(rows))[:, None], rows[:, self._others] + self._start[self._others]] = 1.0
        for k, table in self._alike.items():
            vectors[:, self._start[k] : self._start[k + 1]] = table[rows[:, k]]
        return vectors

    def sample(self, n: int, rng: np.random.Generator) -> Rows:
        """Return `n` random architectures, as `Space.sample` draws them."""
        return self._settled(self._fresh(n, rng))

    def mutate(self, parents: Rows, rng: np.random.Generator) -> Rows:
        """Return a child of each parent that differs in one active decision, as `Space.mutate` makes them.

        A child is its parent where that has no active decision with another choice.
        """
        n = len(parents)
        free = (parents > 0) & (self._n_choices > 1)
        changed = np.where(free, rng.random(parents.shape), -1.0).argmax(axis=1)
        each, others = np.arange(n), self._n_choices[changed] - 1
        steps = 1 + (rng.random(n) * others).astype(np.int64)
        new = (parents[each, changed] - 1 + steps) % (others + 1) + 1
        wanted = np.where(parents > 0, parents, self._fresh(n, rng))
        wanted[each, changed] = np.where(free[each, changed], new, wanted[each, changed])
        return self._settled(wanted)

    def cross(self, a: Rows, b: Rows, rng: np.random.Generator) -> Rows:
        """Return a child of each pair, as `Space.crossover` makes them."""
        from_a = rng.random(a.shape) < 0.5
        first, second = np.where(from_a, a, b), np.where(from_a, b, a)
        wanted = np.where(first > 0, first, np.where(second > 0, second, self._fresh(len(a), rng)))
        return self._settled(wanted)

    def _mask(self, parent: int, allowed: Sequence[object], *, inactive: int) -> npt.NDArray[np.int64]:
        """Return 1 for each code of a decision that is allowed, else 0; `inactive` for that of what is not active."""
        return np.array([inactive, *(int(c in allowed) for c in self._choices[parent][1:])])

    def _fresh(self, n: int, rng: np.random.Generator) -> Rows:
        """Return a random choice for each decision, active or not."""
        fresh: Rows = 1 + (rng.random((n, self.n_decisions)) * self._n_choices).astype(np.int64)
        return fresh

    def _settled(self, wanted: Rows) -> Rows:
        """Set what is not active to 0, in place; decisions come after those they depend on."""
        for k, conditions in self._conditions:
            for parent, mask in conditions:
                wanted[:, k] *= mask[wanted[:, parent]]
        return wanted


def _alike(decision: Decision) -> npt.NDArray[np.float64]:
    """Return the columns of each code, (1 + n_choices, n_columns), the first one for what is not active.

    Of an ordered decision they say of each step between two choices whether it lies below or above the choice, so that
    products count the steps on which two choices agree.
    """
    n = len(decision.choices)
    if not decision.ordered or n < 3:  # two choices are alike or not, in whichever order
        return np.eye(1 + n)
    below = np.array(decision.ranks)[:, None] >= np.arange(1, n)
    steps = np.hstack([below, ~below]) / np.sqrt(n - 1)
    return np.block([[np.ones((1, 1)), np.zeros((1, steps.shape[1]))], [np.zeros((n, 1)), steps]])
