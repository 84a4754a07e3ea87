"""Compaction: the trials of complete rounds go into segments, so that a history is a few large reads."""

from archsmith.stores.rounds import MovedError, Rounds, after_round, encode_segment, is_trial, round_of
from archsmith.stores.segments import Segment, frontier, merged, widest
from archsmith.values import History, Trial


class Histories(Rounds):
    """Reads all the trials of a search, and keeps that quick."""

    def history(self) -> History:
        """Return every trial of the search.

        It takes two or three requests, one for each segment, and one for each trial of a round
        that is not compacted.

        Raises:
            PermanentError: An object can't be read; the message names it.
        """
        return self._stable(self._read_history)

    def compact(self, round_index: int) -> bool:
        """Put the trials of a round into a segment if all are there; tell whether they now are in one.

        It may be called again, after a crash or by two processes at once, and removes what a crash
        left behind of this round.
        """
        return self._stable(lambda: self._compact(round_index))

    def _read_history(self) -> History:
        segments = self._segments()
        begun = self._names("rounds/", start_after=after_round(frontier(segments) - 1))
        # A round that was compacted between the two requests is in neither answer.
        if begun and self._segments() != segments:
            raise MovedError
        whole = widest(segments)
        singles = [name for name in begun if is_trial(name) and not any(round_of(name) in s for s in whole)]
        return History.of(_once(self._read_trials([*(s.name for s in whole), *singles])))

    def _compact(self, round_index: int) -> bool:
        proposals, singles = self.proposals(round_index), self._singles(round_index)
        segments = self._segments()
        if whole := next((s for s in widest(segments) if round_index in s), None):
            if singles or len(segments) > len(widest(segments)):
                self._read_trials([whole.name])  # before what else holds them goes, it is looked whether this does
            self._sweep(whole, segments, singles)
            return True
        trials = self._read_trials(singles)
        if proposals is None or {p.id for p in proposals} - {t.id for t in trials}:
            return False
        whole, parts = merged(round_index, widest(segments))
        self.put(whole.name, self._join(parts, Segment(round_index, round_index), trials))
        self._sweep(whole, segments, singles)
        return True

    def _join(self, parts: tuple[Segment, ...], new: Segment, trials: list[Trial]) -> bytes:
        """Return the lines of the parts and of the new round, in the order of the rounds; damage is not passed on."""
        pieces: dict[Segment, list[Trial]] = {part: self._read_trials([part.name]) for part in parts}
        pieces[new] = sorted(trials, key=lambda t: t.proposal.number)
        return encode_segment(t for segment in sorted(pieces) for t in pieces[segment])

    def _sweep(self, whole: Segment, segments: tuple[Segment, ...], singles: list[str]) -> None:
        """Delete what `whole` holds as well."""
        self._delete([s.name for s in segments if s in whole and s != whole] + singles)


def _once(trials: list[Trial]) -> list[Trial]:
    """Leave out trials that were read twice."""
    found: dict[tuple[int, str], Trial] = {}
    for trial in trials:
        found.setdefault((trial.proposal.round, trial.id), trial)
    return list(found.values())
