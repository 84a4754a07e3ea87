"""What a pod knows of a search's work: what was proposed, what has a trial, what is taken; each look adds what is new."""

from collections.abc import Iterable, Iterator, Sequence

from archsmith.stores.claims import Claims, claims_of
from archsmith.stores.rounds import decode, is_proposals, is_trial, proposals_of, round_of
from archsmith.stores.segments import Segment, widest
from archsmith.values import History, Proposal, Trial

Key = tuple[int, str]
"""A proposal's round and id."""


class Board:
    """The proposals, trials and claims of a search, as of the last look.

    None of them ever changes, so what was read is not read again, and a look costs two lists and one read for each object that
    is new. It is used by one process, which tells it what that process adds itself.

    Args:
        folder: The search's folder.
        only: The round that is of interest, where it is one.
    """

    def __init__(self, folder: Claims, only: int | None = None) -> None:
        self._folder = folder
        self._only = only
        self._first_open = only or 0
        self.rounds: dict[int, tuple[Proposal, ...]] = {}
        """The proposals of each round."""
        self.trials: dict[Key, Trial] = {}
        """The trials."""
        self.arrived: list[Trial] = []
        """They in the order in which they came to be known."""
        self.claims: dict[Key, int] = {}
        """How often each proposal was claimed."""
        self.look()

    def look(self, *, surely: bool = False) -> None:
        """Read what is new.

        Args:
            surely: Whether nothing may be overlooked that was there before: a trial that goes from its round into a segment
                while both are listed is seen at the next look only.
        """
        while True:
            segments = self._folder.segments()
            whole = widest(segments)
            self._read_segments(s for s in whole if any(self._is_wanted(r) and self._is_open(r) for r in s.rounds))
            self._read_rounds()
            if not surely or self._folder.segments() == segments:
                break

    def _read_rounds(self) -> None:
        names = [name for name in self._folder.names_from(self._first_open) if self._is_wanted(round_of(name))]
        self.claims.update(claims_of(names))
        self._read_proposals([name for name in names if is_proposals(name) and round_of(name) not in self.rounds])
        self._read_trials([name for name in names if is_trial(name) and _key(name) not in self.trials])
        self._move_on()

    def open(self) -> Iterator[Proposal]:
        """Yield the proposals that have no trial, in order."""
        for round_ in sorted(r for r in self.rounds if r >= self._first_open):
            yield from (p for p in self.rounds[round_] if key_of(p) not in self.trials)

    def history(self) -> History:
        """Return all that is known."""
        return History.of(self.arrived, list(self.open()))

    def proposed(self, round_index: int, proposals: tuple[Proposal, ...]) -> None:
        """Take note of the proposals of a round."""
        self.rounds[round_index] = proposals

    def measured(self, trial: Trial) -> None:
        """Take note of a trial."""
        self._add([trial])
        self._move_on()

    def claimed(self, proposal: Proposal, attempt: int) -> None:
        """Take note of a claim."""
        self.claims[key_of(proposal)] = max(attempt, self.claims.get(key_of(proposal), 0))

    def trials_of(self, segment: Segment) -> list[Trial] | None:
        """Return the trials of some rounds in order; None where one of them lacks any."""
        if segment.last >= self._first_open and any(self._is_open(r) for r in segment.rounds):
            return None
        return [self.trials[key_of(p)] for r in segment.rounds for p in self.rounds[r]]

    def _is_wanted(self, round_index: int) -> bool:
        return self._only is None or round_index == self._only

    def _is_open(self, round_index: int) -> bool:
        proposals = self.rounds.get(round_index)
        return proposals is None or any(key_of(p) not in self.trials for p in proposals)

    def _move_on(self) -> None:
        while self._first_open in self.rounds and not self._is_open(self._first_open):
            self._first_open += 1

    def _read_segments(self, segments: Iterable[Segment]) -> None:
        for segment in segments:
            by_round: dict[int, list[Trial]] = {}
            for trial in self._decoded([segment.name]):
                by_round.setdefault(trial.proposal.round, []).append(trial)
            for round_, trials in by_round.items():
                if self._is_wanted(round_):
                    self._add(trials)
                    self.rounds.setdefault(round_, tuple(sorted((t.proposal for t in trials), key=lambda p: p.number)))

    def _read_proposals(self, names: Sequence[str]) -> None:
        for name, data in zip(names, self._folder.get_all(names), strict=True):
            if data is not None:
                self.rounds[round_of(name)] = proposals_of(data, self._folder.uri(name))

    def _read_trials(self, names: Sequence[str]) -> None:
        self._add(self._decoded(names))

    def _add(self, trials: Iterable[Trial]) -> None:
        for trial in trials:
            if self.trials.setdefault(key_of(trial.proposal), trial) is trial:
                self.arrived.append(trial)

    def _decoded(self, names: Sequence[str]) -> Iterator[Trial]:
        """Yield the trials of several objects; those of one that was moved meanwhile are there at the next look."""
        for name, data in zip(names, self._folder.get_all(names), strict=True):
            if data is not None:
                yield from decode(data, self._folder.uri(name))


def key_of(proposal: Proposal) -> Key:
    """Return what a proposal is found by."""
    return proposal.round, proposal.id


def _key(name: str) -> Key:
    return round_of(name), name.rpartition("/")[2].removesuffix(".json")
