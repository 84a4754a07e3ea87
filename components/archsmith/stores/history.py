"""Compaction: the trials of complete rounds go into segments, so that a history is a few large reads."""

from collections.abc import Iterable, Iterator, Sequence, Set

from archsmith.stores.rounds import (
    MovedError,
    Rounds,
    after_round,
    encode_segment,
    folder_of,
    is_proposals,
    is_trial,
    proposals_name,
    proposals_of,
    round_of,
    trial_name,
)
from archsmith.stores.segments import Segment, blocks, frontier, merged, widest
from archsmith.values import History, Proposal, Trial


class Histories(Rounds):
    """Reads all the trials of a search, and keeps that quick."""

    def history(self) -> History:
        """Return every trial of the search, and what was proposed and has none yet.

        It takes two or three requests, one for each segment, and one for each trial of a round
        that is not compacted, and for its proposals.

        Raises:
            PermanentError: An object can't be read; the message names it.
        """
        return self._stable(self._read_history)

    def compact(self, first: int, last: int | None = None) -> bool:
        """Put the trials of a round, or of several, into a segment if all are there; tell whether they now are in one.

        It may be called again, after a crash or by two processes at once, and removes what a crash
        left behind of these rounds.

        Args:
            first: A round.
            last: The last one; the rounds from `first` on are a power of two, and begin at a multiple of it.
        """
        new = Segment(first, first if last is None else last)
        return self._stable(lambda: self._compact(new))

    def compact_known(self, new: Segment, trials: Sequence[Trial]) -> None:
        """Put the trials of some rounds into a segment, all of which are in the store and known here: nothing is read for it."""
        self._stable(lambda: self._compact_known(new, trials))

    def compact_all(self) -> None:
        """Put all trials into segments, as far as rounds are complete, and remove what crashes left of those that were."""
        begin = self._stable(lambda: frontier(self.segments()))
        for left in sorted({r for name in self._names("rounds/") if is_trial(name) and (r := round_of(name)) < begin}):
            self.compact(left)
        for block in blocks(begin, self.rounds()):
            self._compact_parts(block)

    def _compact_parts(self, block: Segment) -> None:
        if not self.compact(block.first, block.last) and len(block.rounds) > 1:
            for half in blocks(block.first, block.last + 1, len(block.rounds) // 2):
                self._compact_parts(half)

    def _read_history(self) -> History:
        segments = self.segments()
        begun = self._names("rounds/", start_after=after_round(frontier(segments) - 1))
        # A round that was compacted between the two requests is in neither answer.
        if begun and self.segments() != segments:
            raise MovedError
        whole = widest(segments)
        begun = [name for name in begun if not any(round_of(name) in s for s in whole)]
        trials = _once(self._read_trials([*(s.name for s in whole), *filter(is_trial, begun)]))
        return History.of(trials, self._unmeasured({(t.proposal.round, t.id) for t in trials}, filter(is_proposals, begun)))

    def _unmeasured(self, measured: Set[tuple[int, str]], names: Iterable[str]) -> list[Proposal]:
        """Return the proposals that have no trial."""
        names = list(names)
        read = (proposals_of(data, self.uri(name)) for name, data in zip(names, self.get_all(names), strict=True) if data)
        return [p for proposals in read for p in proposals if (p.round, p.id) not in measured]

    def _compact(self, new: Segment) -> bool:
        singles = [name for name in self._within(new) if is_trial(name)]
        segments = self.segments()
        if whole := next((s for s in widest(segments) if new in s), None):
            if singles or len(segments) > len(widest(segments)):
                self._read_trials([whole.name])  # before what else holds them goes, it is looked whether this does
            self._sweep(whole, segments, singles)
            return True
        inside = tuple(s for s in widest(segments) if s in new)
        trials = self._read_trials([*(s.name for s in inside), *singles])
        if self._lacks([r for r in new.rounds if not any(r in s for s in inside)], trials):
            return False
        self._write(new, _once(trials), segments, singles)
        return True

    def _compact_known(self, new: Segment, trials: Sequence[Trial]) -> None:
        segments = self.segments()
        if not any(new in segment for segment in segments):
            self._write(new, list(trials), segments, [trial_name(t) for t in trials])

    def _write(self, new: Segment, trials: list[Trial], segments: tuple[Segment, ...], singles: list[str]) -> None:
        """Write a segment, merged with its neighbours; another one that was written meanwhile may be one, too."""
        while True:
            whole, parts = merged(new, widest(segments))
            trials += self._read_trials(part.name for part in parts)  # read, and not joined: damage is not passed on
            self.put(whole.name, encode_segment(sorted(trials, key=lambda t: (t.proposal.round, t.proposal.number))))
            self._sweep(whole, segments, singles)
            new, segments = whole, self.segments()
            if whole.neighbour not in widest(segments):
                return

    def _lacks(self, rounds: Sequence[int], trials: Iterable[Trial]) -> bool:
        """Tell whether one of these rounds was not proposed, or has a proposal without a trial."""
        measured = {(t.proposal.round, t.id) for t in trials}
        return any(
            proposals is None or any((p.round, p.id) not in measured for p in proposals)
            for proposals in self._proposals_of(rounds)
        )

    def _proposals_of(self, rounds: Sequence[int]) -> Iterator[tuple[Proposal, ...] | None]:
        names = [proposals_name(r) for r in rounds]
        for name, data in zip(names, self.get_all(names), strict=True):
            yield None if data is None else proposals_of(data, self.uri(name))

    def _within(self, segment: Segment) -> list[str]:
        """Return the objects of its rounds."""
        if segment.first == segment.last:
            return self._names(f"{folder_of(segment.first)}/")
        names = self._names("rounds/", start_after=after_round(segment.first - 1))  # a list can't say where it ends
        return [name for name in names if round_of(name) in segment]

    def _sweep(self, whole: Segment, segments: tuple[Segment, ...], singles: list[str]) -> None:
        """Delete what `whole` holds as well."""
        self._delete([s.name for s in segments if s in whole and s != whole] + singles)


def _once(trials: list[Trial]) -> list[Trial]:
    """Leave out trials that were read twice."""
    found: dict[tuple[int, str], Trial] = {}
    for trial in trials:
        found.setdefault((trial.proposal.round, trial.id), trial)
    return list(found.values())
