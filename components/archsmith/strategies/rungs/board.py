"""What became of each proposal of a search with rungs: the part of the history that a schedule is replayed from."""

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Self

from archsmith.strategies.ranking import FAILED
from archsmith.values import Architecture, History, Proposal, Trial

Rank = tuple[int, float]
"""What orders trials, the best one least; see `ranking.rank`."""


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """A proposal on its rung."""

    proposal: Proposal
    """What was proposed there."""
    trial: Trial | None
    """What was measured; None while it is running."""
    rank: Rank
    """Its rank among the trials of the rung; `FAILED` while it is running, or where it can't go on."""

    @property
    def may_rise(self) -> bool:
        """Whether it was measured to its end, and has a value."""
        return self.rank != FAILED


class Rung:
    """The proposals of one rung, in the order of their numbers."""

    __slots__ = ("_ranked", "_risen", "ended", "places")

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.ended = 0
        """How many have been measured, failed ones included."""
        self._ranked: list[Place] = []
        """Those that may go on, the best one first."""
        self._risen: set[Architecture] = set()

    def __len__(self) -> int:
        return len(self.places)

    @property
    def failed(self) -> int:
        """How many have ended and can't go on."""
        return self.ended - len(self._ranked)

    def copy(self) -> Self:
        """Return a rung with the same places, which grows on its own."""
        new = object.__new__(type(self))
        new.places, new.ended = self.places.copy(), self.ended
        new._ranked, new._risen = self._ranked.copy(), self._risen.copy()
        return new

    def add(self, place: Place) -> None:
        """Put a proposal on this rung."""
        self.places.append(place)
        self.ended += place.trial is not None
        if place.rank != FAILED:  # they come in the order of their numbers, and the first of equal ones stays before the others
            insort(self._ranked, place, key=_rank)

    def rise(self, architecture: Architecture) -> None:
        """Note that an architecture has gone on from here."""
        self._risen.add(architecture)

    def best(self, n: int) -> list[Place]:
        """Return the best `n` of those that may go on, the best one first."""
        return self._ranked[:n]

    def left(self, places: Iterable[Place]) -> Iterator[Place]:
        """Yield those of `places` that have not gone on."""
        return (p for p in places if p.proposal.architecture not in self._risen)


_rank = attrgetter("rank")


def entries(history: History) -> list[tuple[Proposal, Trial | None]]:
    """Return all proposals in the order of their numbers, each with its trial where it has ended."""
    both = [*((t.proposal, t) for t in history.trials), *((p, None) for p in history.running)]
    return sorted(both, key=lambda entry: entry[0].number) if history.running else both
