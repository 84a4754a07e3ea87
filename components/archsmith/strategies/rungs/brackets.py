"""Brackets, one after the other: a rung is measured to its end before the best of it go on.

While a rung waits for its last trials, the next architectures of the search begin, in this bracket or the next one. So no
worker waits, and what goes on is the same as if one had.

A bracket is begun where the budget pays for all of it. Where it does not, what is left is spent on the next best: those of the
highest rung for which their brackets had no place.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Self

from archsmith.strategies.rungs.board import Place, Rank, Rung
from archsmith.strategies.rungs.ladder import Ladder, within
from archsmith.strategies.rungs.plans import Plan
from archsmith.strategies.rungs.schedule import Rise
from archsmith.values import Architecture, Proposal, Trial


class Brackets:
    """The schedule of successive halving and of Hyperband.

    Args:
        plans: The brackets; after the last one, the first comes again.
        ladder: The rungs.
        spare: Of how many on each rung but the top weights are kept for the end, beyond those for which a bracket has a place: as
            many as what the last bracket leaves may pay for; all where the space may come to its end within the budget.
    """

    def __init__(self, plans: Sequence[Plan], ladder: Ladder, spare: Sequence[float]) -> None:
        self._plans = plans
        self._ladder = ladder
        self._spare = spare
        self._brackets: list[_Bracket] = []
        self._closed = False
        self._last: dict[Architecture, tuple[int, int]] = {}
        """The bracket of each architecture and the rung there that it has reached, both from 0."""

    def copy(self) -> Self:
        """Return one that stands where this one does; see `Schedule.copy`."""
        new = type(self)(self._plans, self._ladder, self._spare)
        new._brackets, new._last, new._closed = [b.copy() for b in self._brackets], self._last.copy(), self._closed
        return new

    def put(self, proposal: Proposal, trial: Trial | None, rank: Rank) -> bool:
        """Note a proposal: of a new architecture in the bracket that is being filled, else on the next rung of its own."""
        architecture, fidelity = proposal.architecture, proposal.fidelity
        last = self._last.get(architecture)
        rung = last[1] + 1 if last else 0
        plan = self._brackets[last[0]].plan if last else self._filled_plan
        if rung == len(plan.sizes):
            return False
        own = self._ladder[plan.first + rung]
        if own is not fidelity and own != fidelity:  # of another search; the same object is seen sooner than an equal one
            return False
        place = last[0] if last else self._filling()
        bracket = self._brackets[place]
        bracket.rungs[rung].add(Place(proposal, trial, rank))
        if rung:
            bracket.rungs[rung - 1].rise(architecture)
        self._last[architecture] = place, rung
        return True

    def rise(self, left: float) -> Rise | None:
        """Return the best of a complete rung that has not gone on, of the eldest bracket that has one."""
        found = (bracket.rise(closed=self._closed) for bracket in self._brackets)
        return next((rise for rise in found if rise), None) or (self._next_best(left) if self._closed else None)

    def opens(self, left: float) -> bool:
        """Tell whether a new architecture may begin: in the bracket that is being filled, or in one that the budget pays for."""
        if not self._brackets or not self._brackets[-1].full:
            return True
        return within(self._owed() + self._next_plan.cost(self._ladder), left)

    def opening(self) -> int:
        """Return the rung on which the bracket begins that is being filled."""
        return self._filled_plan.first

    def close(self) -> None:
        """Let the last bracket be as small as it is."""
        self._closed = True

    def may_rise(self) -> Iterator[tuple[Place, int]]:
        """Yield what is among as many of the best as go on: if all others are worse, it will."""
        for rung, n in enumerate(self._spare):
            below = [bracket for bracket in self._brackets if bracket.plan.first <= rung]
            spare = sorted((place for b in below for place in b.spare(rung)), key=_order) if n else []
            chosen = {*(place for b in below for place in b.due(rung)), *spare[: int(min(n, len(spare)))]}
            yield from ((place, rung) for b in below for place in b.left(rung) if place in chosen)

    def _next_best(self, left: float) -> Rise | None:
        """Return the best of the highest rung that has any left, of all brackets, where the budget takes it to the top.

        Those whose weights were kept for this come first; when they are used up, the others begin anew.
        """
        kept = {place for place, _ in self.may_rise()}
        found = [rise for bracket in self._brackets for rise in bracket.next_best()]
        chosen = [rise for rise in found if rise.place in kept] or [replace(rise, anew=True) for rise in found]
        best = min(chosen, key=lambda rise: (-rise.rung, *_order(rise.place)), default=None)
        if best is None:
            return None
        cost = self._ladder.climb(best.rung, self._ladder.top, begins=best.anew)
        return best if within(self._owed() + cost, left) else None

    def _owed(self) -> float:
        """Return what the brackets that were begun cost from here to their end, in full trainings."""
        return math.fsum(bracket.owed(self._ladder, closed=self._closed) for bracket in self._brackets)

    @property
    def _next_plan(self) -> Plan:
        return self._plans[len(self._brackets) % len(self._plans)]

    @property
    def _filled_plan(self) -> Plan:
        """The plan of the bracket that is being filled, which may not have begun."""
        return self._next_plan if not self._brackets or self._brackets[-1].full else self._brackets[-1].plan

    def _filling(self) -> int:
        """Return the place of the bracket that is being filled."""
        if not self._brackets or self._brackets[-1].full:
            self._brackets.append(_Bracket(self._next_plan))
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

    def next_best(self) -> Iterator[Rise]:
        """Yield the best of each complete rung that has not gone on."""
        for k, rung in enumerate(self.rungs[:-1]):
            if rung.ended < len(rung):
                return
            best = rung.best(len(rung))
            if (place := next(rung.left(best), None)) is not None:
                yield Rise(place, self.plan.first + k + 1, best.index(place) + 1, len(rung))

    def due(self, rung: int) -> list[Place]:
        """Return the best of a rung of the ladder, as many as the next one takes."""
        k = rung - self.plan.first
        return self.rungs[k].best(self.plan.sizes[k + 1])

    def spare(self, rung: int) -> list[Place]:
        """Return the others, the best one first."""
        k = rung - self.plan.first
        return self.rungs[k].best(len(self.rungs[k]))[self.plan.sizes[k + 1] :]

    def left(self, rung: int) -> Iterator[Place]:
        """Yield what has not gone on from a rung of the ladder."""
        here = self.rungs[rung - self.plan.first]
        return here.left(here.best(len(here)))

    def owed(self, ladder: Ladder, *, closed: bool) -> float:
        """Return the most that it costs from here to its end, in full trainings."""
        due, owed = len(self.rungs[0]) if closed else self.plan.sizes[0], 0.0
        for k, (rung, size) in enumerate(zip(self.rungs, (*self.plan.sizes[1:], 0), strict=True)):
            if due > len(rung):
                owed += (due - len(rung)) * ladder.cost(self.plan.first + k, begins=not k)
            due = min(size, max(due, len(rung)) - rung.failed)
        return owed


def _order(place: Place) -> tuple[Rank, int]:
    return place.rank, place.proposal.number
