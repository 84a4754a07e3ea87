"""Brackets, one after the other: a rung is measured to its end before the best of it go on.

While a rung waits for its last trials, the next architectures of the search begin, in this bracket or the next one. So no
worker waits, and what goes on is the same as if one had.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from archsmith.strategies.rungs.board import Place, Rank, Rung
from archsmith.strategies.rungs.plans import Plan
from archsmith.strategies.rungs.schedule import Rise
from archsmith.values import Architecture, Fidelity, Proposal, Trial


class Brackets:
    """The schedule of successive halving and of Hyperband.

    Args:
        plans: The brackets; after the last one, the first comes again.
        ladder: The fidelities of the rungs.
    """

    def __init__(self, plans: Sequence[Plan], ladder: Sequence[Fidelity]) -> None:
        self._plans = plans
        self._ladder = ladder
        self._brackets: list[_Bracket] = []
        self._closed = False
        self._last: dict[Architecture, tuple[_Bracket, int]] = {}

    def put(self, proposal: Proposal, trial: Trial | None, rank: Rank) -> bool:
        """Note a proposal: of a new architecture in the bracket that is being filled, else on the next rung of its own."""
        architecture = proposal.architecture
        bracket, below = self._last.get(architecture) or (self._filling(), -1)
        if not bracket.takes(below + 1, self._ladder, proposal.fidelity):
            return False
        bracket.rungs[below + 1].add(Place(proposal, trial, rank))
        if below >= 0:
            bracket.rungs[below].rise(architecture)
        self._last[architecture] = bracket, below + 1
        return True

    def rise(self) -> Rise | None:
        """Return the best of a complete rung that has not gone on, of the eldest bracket that has one."""
        found = (bracket.rise(closed=self._closed) for bracket in self._brackets)
        return next((rise for rise in found if rise), None)

    def opening(self) -> int:
        """Return the rung on which the bracket begins that is being filled."""
        return self._filling().plan.first

    def close(self) -> None:
        """Let the last bracket be as small as it is."""
        self._closed = True

    def may_rise(self) -> Iterator[tuple[Place, int]]:
        """Yield what is among as many of the best as go on: if all others are worse, it will."""
        for bracket in self._brackets:
            yield from bracket.may_rise()

    def _filling(self) -> "_Bracket":
        if not self._brackets or self._brackets[-1].full:
            self._brackets.append(_Bracket(self._plans[len(self._brackets) % len(self._plans)]))
        return self._brackets[-1]


class _Bracket:
    """A bracket as far as it has come."""

    __slots__ = ("plan", "rungs")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rungs = [Rung() for _ in plan.sizes]

    @property
    def full(self) -> bool:
        return len(self.rungs[0]) >= self.plan.sizes[0]

    def takes(self, rung: int, ladder: Sequence[Fidelity], fidelity: Fidelity) -> bool:
        """Tell whether a proposal may be of this rung of the bracket; those of another search are not."""
        return rung < len(self.rungs) and fidelity == ladder[self.plan.first + rung]

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

    def may_rise(self) -> Iterator[tuple[Place, int]]:
        for k, rung in enumerate(self.rungs[:-1]):
            for place in rung.left(rung.best(self.plan.sizes[k + 1])):
                yield place, self.plan.first + k
