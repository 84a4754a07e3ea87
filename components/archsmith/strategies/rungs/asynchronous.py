"""Rungs without brackets: whatever is among the best 1/eta of its rung so far goes on, and no rung is waited for.

Reference: Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning (arXiv:1810.05934), Algorithm 2.
"""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Self

from archsmith.strategies.rungs.board import Place, Rank, Rung
from archsmith.strategies.rungs.ladder import Ladder, within
from archsmith.strategies.rungs.schedule import Rise
from archsmith.values import Architecture, Proposal, Trial


class Asynchronous:
    """The schedule of ASHA.

    Args:
        eta: 1/eta of those on a rung go on.
        ladder: The rungs.
    """

    def __init__(self, eta: int, ladder: Ladder) -> None:
        self._eta = eta
        self._ladder = ladder
        self._rungs = [Rung() for _ in ladder.rungs]
        self._last: dict[Architecture, int] = {}
        self._closed = False

    def copy(self) -> Self:
        """Return one that stands where this one does; see `Schedule.copy`."""
        new = copy(self)
        new._rungs, new._last = [rung.copy() for rung in self._rungs], self._last.copy()
        return new

    def put(self, proposal: Proposal, trial: Trial | None, rank: Rank) -> bool:
        """Note a proposal: of a new architecture on the lowest rung, else on the next one of its own."""
        architecture, fidelity = proposal.architecture, proposal.fidelity
        rung = self._last.get(architecture, -1) + 1
        if rung == len(self._ladder):
            return False
        own = self._ladder[rung]
        if own is not fidelity and own != fidelity:  # of another search; the same object is seen sooner than an equal one
            return False
        self._rungs[rung].add(Place(proposal, trial, rank))
        if rung:
            self._rungs[rung - 1].rise(architecture)
        self._last[architecture] = rung
        return True

    def rise(self, left: float) -> Rise | None:
        """Return the best of the highest rung that has one to go on (lines 12-18), where the budget takes it to the top.

        At the end many are due whose steps would use up together what takes but one of them there.
        """
        for due in (lambda rung: rung.ended // self._eta, *((len,) if self._closed else ())):
            rise = self._rise(due)
            if rise and within(self._ladder.climb(rise.rung, self._top, begins=False), left):
                return rise
        return None

    def opens(self, left: float) -> bool:
        """Tell whether the budget takes a new architecture to the top."""
        return within(self._ladder.climb(0, self._top, begins=True), left)

    def opening(self) -> int:
        """Return the lowest rung (line 19)."""
        return 0

    def close(self) -> None:
        """Let the next best go on, as no new one comes that might be better."""
        self._closed = True

    def may_rise(self) -> Iterator[tuple[Place, int]]:
        """Yield all that has a value: as more and more worse ones come, each is among the best."""
        for k, rung in enumerate(self._rungs[:-1]):
            yield from ((place, k) for place in rung.left(rung.places) if place.may_rise)

    @property
    def _top(self) -> int:
        """The highest rung that anything may go on to."""
        return len(self._rungs) - 1

    def _rise(self, due: Callable[[Rung], int]) -> Rise | None:
        """Return the best of the highest rung of which fewer have gone on than are due."""
        for k in range(self._top - 1, -1, -1):
            rung = self._rungs[k]
            best = rung.best(due(rung))
            if (place := next(rung.left(best), None)) is not None:
                return Rise(place, k + 1, best.index(place) + 1, rung.ended)
        return None
