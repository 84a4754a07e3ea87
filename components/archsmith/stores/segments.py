"""Segments of a history: runs of whole rounds, merged like the digits of a binary counter.

A segment spans 2^k rounds and begins at a multiple of 2^k. Two neighbours that together form a
larger one are merged, so R rounds lie in at most log2(R) + 1 segments, each trial is rewritten at most
log2(R) times, and two segments are either apart or one within the other. What lies within another
is left over from an interrupted or concurrent merge; the wider one holds all of it.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

ROUND_LIMIT = 1_000_000
"""Rounds are written with six digits, so that keys sort as rounds do."""

BLOCK = 16
"""Rounds of a search without a barrier, of a trial each, that are put into a segment at once; a power of two."""


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """The rounds from `first` to `last`, all of them complete."""

    first: int
    """From 0."""
    last: int
    """Included."""

    @property
    def name(self) -> str:
        """The name of its object in the search's folder."""
        return f"history/{self.first:06d}-{self.last:06d}.jsonl"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Read the name of an object; None where it is not one of a segment."""
        found = re.fullmatch(r"history/(\d{6})-(\d{6})\.jsonl", name)
        return cls(int(found[1]), int(found[2])) if found else None

    @property
    def rounds(self) -> range:
        """Its rounds."""
        return range(self.first, self.last + 1)

    def __contains__(self, other: "int | Segment") -> bool:
        if isinstance(other, int):
            return self.first <= other <= self.last
        return self.first <= other.first and other.last <= self.last

    @property
    def neighbour(self) -> "Segment":
        """The segment of the same length that it is merged with."""
        length = self.last - self.first + 1
        begin = self.first + (length if self.first % (2 * length) == 0 else -length)
        return Segment(begin, begin + length - 1)

    def merge(self, other: "Segment") -> "Segment":
        """Return the segment of both."""
        return Segment(min(self.first, other.first), max(self.last, other.last))


def widest(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Return the segments that lie in no other one, in order."""
    kept: list[Segment] = []
    for segment in sorted(segments, key=lambda s: (s.first, -s.last)):
        if not kept or segment not in kept[-1]:
            kept.append(segment)
    return tuple(kept)


def merged(new: Segment, segments: Collection[Segment]) -> tuple[Segment, tuple[Segment, ...]]:
    """Return the widest segment that a new one completes, and the present ones that it is merged from."""
    whole, parts = new, list[Segment]()
    while (neighbour := whole.neighbour) in segments:
        parts.append(neighbour)
        whole = whole.merge(neighbour)
    return whole, tuple(parts)


def blocks(first: int, end: int, most: int = BLOCK) -> Iterator[Segment]:
    """Cut the rounds from `first` to before `end` into the longest segments that may be, none of more than `most` rounds."""
    while first < end:
        length = most
        while first % length or first + length > end:
            length //= 2
        yield Segment(first, first + length - 1)
        first += length


def frontier(segments: Iterable[Segment]) -> int:
    """Return the first round that no segment holds."""
    first = 0
    for segment in widest(segments):
        if segment.first != first:
            break
        first = segment.last + 1
    return first
