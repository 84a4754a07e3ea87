"""The interface of a schedule: which trial goes on, and on which rung a new architecture begins."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from archsmith.strategies.rungs.board import Place, Rank
from archsmith.values import Proposal, Trial


@dataclass(frozen=True, slots=True)
class Rise:
    """A trial that is to go on."""

    place: Place
    """Where it is now."""
    rung: int
    """The rung of the ladder that it goes on to, from 0."""
    position: int
    """How many of its rung are better, and 1."""
    of: int
    """How many its rung has, failed ones included."""
    anew: bool = False
    """Whether it begins anew in any case, as its weights were not kept for this."""


class Schedule(Protocol):
    """Where each architecture of a search stands. It is made from the proposals in their order."""

    def copy(self) -> Self:
        """Return one that stands where this one does, and goes on alone."""
        ...

    def put(self, proposal: Proposal, trial: Trial | None, rank: Rank) -> bool:
        """Note a proposal, and what was measured of it; return whether it has a place in this schedule."""
        ...

    def rise(self, left: float) -> Rise | None:
        """Return what is to go on next, if anything is; `left` of the budget are so many full trainings' worth."""
        ...

    def opens(self, left: float) -> bool:
        """Tell whether a new architecture may begin: whether what is left of the budget pays for all that follows from it."""
        ...

    def opening(self) -> int:
        """Return the rung of the ladder on which the next new architecture begins."""
        ...

    def close(self) -> None:
        """Note that there will be no new architectures, so that the next best may go on."""
        ...

    def may_rise(self) -> Iterator[tuple[Place, int]]:
        """Yield what has not gone on, and can yet, whatever is measured from here; each with the rung of the ladder it is on."""
        ...
