"""Brackets, one after the other: a rung is measured to its end before the best of it go on.

While a rung waits for its last trials, the next architectures of the search begin, in this bracket or the next one. So no
worker waits, and what goes on is the same as if one had.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Self

from archsmith.strategies.rungs.board import Place, Rank, Rung
from archsmith.strategies.rungs.plans import Plan
from archsmith.strategies.rungs.schedule import Rise
from archsmith.values import Architecture, Fidelity, Proposal, Trial


class Brackets:
    """The schedule of successive halving and of Hyperband.

    Args:
        plans: The brackets; after the last one, the first comes again.
        ladder: The fidelities of the rungs.
        ends: Whether the space may come to its end within the budget. Then the next best go on, and any may be one of them.
    """

    def __init__(self, plans: Sequence[Plan], ladder: Sequence[Fidelity], *, ends: bool = False) -> None:
        self._plans = plans
        self._ladder = ladder
        self._ends = ends
        self._brackets: list[_Bracket] = []
        self._closed = False
        self._last: dict[Architecture, tuple[int, int]] = {}
        """The bracket of each architecture and the rung there that it has reached, both from 0."""

    def copy(self) -> Self:
        """Return one that stands where this one does; see `Schedule.copy`."""
        new = type(self)(self._plans, self._ladder, ends=self._ends)
        new._brackets, new._last, new._closed = [b.copy() for b in self._brackets], self._last.copy(), self._closed
        return new

    def put(self, proposal: Proposal, trial: Trial | None, rank: Rank) -> bool:
        """Note a proposal: of a new architecture in the bracket that is being filled, else on the next rung of its own."""
        architecture, fidelity = proposal.architecture, proposal.fidelity
        last = self._last.get(architecture)
        place, rung = (last[0], last[1] + 1) if last else (self._filling(), 0)
        bracket = self._brackets[place]
        if rung == len(bracket.rungs):
            return False
        own = self._ladder[bracket.plan.first + rung]
        if own is not fidelity and own != fidelity:  # of another search; the same object is seen sooner than an equal one
            return False
        bracket.rungs[rung].add(Place(proposal, trial, rank))
        if rung:
            bracket.rungs[rung - 1].rise(architecture)
        self._last[architecture] = place, rung
        return True

    def rise(self) -> Rise | None:
        """Return the best of a complete rung that has not gone on, of the eldest bracket that has one."""
        found = (bracket.rise(closed=self._closed) for bracket in self._brackets)
        return next((rise for rise in found if rise), None) or (self._next_best() if self._closed and self._ends else None)

    def opening(self) -> int:
        """Return the rung on which the bracket begins that is being filled."""
        return self._brackets[self._filling()].plan.first

    def close(self) -> None:
        """Let the last bracket be as small as it is."""
        self._closed = True

    def may_rise(self) -> Iterator[tuple[Place, int]]:
        """Yield what is among as many of the best as go on: if all others are worse, it will."""
        for bracket in self._brackets:
            yield from bracket.may_rise(ends=self._ends)

    def _next_best(self) -> Rise | None:
        """Return the best of the highest rung that has any left, of all brackets."""
        left = [rise for bracket in self._brackets for rise in bracket.left()]
        return min(left, key=lambda rise: (-rise.rung, rise.place.rank, rise.place.proposal.number), default=None)

    def _filling(self) -> int:
        """Return the place of the bracket that is being filled."""
        if not self._brackets or self._brackets[-1].full:
            self._brackets.append(_Bracket(self._plans[len(self._brackets) % len(self._plans)]))
        return len(self._brackets) - 1


class _Bracket:
    """A bracket as far as it has come."""

    __slots__ = ("plan", "rungs")

    def __init__(self, plan: Plan, rungs: Sequence[Rung] = ()) -> None:
        self.plan = plan
        self.rungs = rungs or [Rung() for _ in plan.sizes]

    def copy(self) -> "_Bracket":
        return _Bracket(self.plan, [rung.copy() for rung in self.rungs])

    @property
    def full(self) -> bool:
        return len(self.rungs[0].places) >= self.plan.sizes[0]

    def rise(self, *, closed: bool) -> Rise | None:
        """Return what is to go on."""
        if not (self.full or closed):
            return None
        for k, (rung, above) in enumerate(pairwise(self.rungs)):
            if rung.ended < len(rung):
                return None
            most = self.plan.sizes[k + 1]
            best = rung.best(most) if len(above) < most else []
            if (place := next(rung.left(best), None)) is not None:
                return Rise(place, self.plan.first + k + 1, best.index(place) + 1, len(rung))
        return None

    def left(self) -> Iterator[Rise]:
        """Yield the best of each complete rung that its bracket has no place for."""
        for k, rung in enumerate(self.rungs[:-1]):
            if rung.ended < len(rung):
                return
            best = rung.best(len(rung))
            if (place := next(rung.left(best), None)) is not None:
                yield Rise(place, self.plan.first + k + 1, best.index(place) + 1, len(rung))

    def may_rise(self, *, ends: bool) -> Iterator[tuple[Place, int]]:
        for k, rung in enumerate(self.rungs[:-1]):
            for place in rung.left(rung.best(len(rung) if ends else self.plan.sizes[k + 1])):
                yield place, self.plan.first + k
