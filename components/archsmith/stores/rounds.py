"""The rounds of a search: their proposals and their trials.

    rounds/000003/proposals.json     written once; of two writers the first one counts
    rounds/000003/claims/ID.1        which pod has taken a proposal; `.2` once that one was dead; see `claims.py`
    rounds/000003/trials/ID.json     one a trial, written once, until the round is compacted
    history/000000-000003.jsonl      the trials of compacted rounds, one a line

Every write is of one whole object, and what it replaces is deleted only after it was written. So
whatever the moment of a crash, a trial lies in at least one object, and a reader may find it in two.
Neither proposals nor trials ever change, and a round is compacted only once all its trials are there,
so it does not matter which of the two is read.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import orjson

from archsmith.errors import UnavailableError
from archsmith.machine.collection import collection_paused
from archsmith.stores.damage import named
from archsmith.stores.documents import Documents
from archsmith.stores.segments import ROUND_LIMIT, Segment, frontier, widest
from archsmith.values import STATUSES, Proposal, Trial

T = TypeVar("T")

TRIALS = "Restore it, or remove it and run the search again, which then measures again what it held."
"""What to do about a damaged object of trials."""

PROPOSALS = "Restore it, or remove it and run the search again; its trials stay, and others are proposed for those it lacks."
"""What to do about damaged proposals."""


class MovedError(Exception):
    """An object went into a segment between listing and reading it; whoever lists again finds it there."""


class Rounds(Documents):
    """Reads and writes the rounds of a search; several processes may do so at once."""

    def rounds(self) -> int:
        """Return the number of rounds proposed so far."""
        done = frontier(self.segments())
        names = self._names("rounds/", start_after=after_round(done - 1))
        return max((round_of(name) + 1 for name in names if is_proposals(name)), default=done)

    def first_open(self) -> int:
        """Return the first round that lacks a trial, or its proposals; the next one to propose where none does.

        It is one before the last only where objects of an earlier one were removed.
        """
        whole, rounds = widest(self.segments()), self.rounds()
        left = (r for r in range(frontier(whole), rounds) if not any(r in segment for segment in whole))
        return next((r for r in left if self.pending(r) or self.proposals(r) is None), rounds)

    def proposals(self, round_index: int) -> tuple[Proposal, ...] | None:
        """Return the proposals of a round, or None where it was not proposed yet."""
        return self.read_value(proposals_name(round_index), _proposals, hint=PROPOSALS)

    def write_proposals(self, round_index: int, proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
        """Write the proposals of a round unless it has some; return those that it then has.

        Raises:
            ValueError: There is none, or one names another round than this one.
        """
        if not proposals:
            raise ValueError(f"There are no proposals of round {round_index} to write; a round that has none is not begun.")
        if wrong := [p.round for p in proposals if p.round != round_index]:
            raise ValueError(f"A proposal of round {wrong[0]} can't be written to round {round_index}; set its `round`.")
        name = proposals_name(round_index)
        if self.store.put_new(self.key(name), orjson.dumps([p.to_dict() for p in proposals])):
            return tuple(proposals)
        return self.proposals(round_index) or ()

    def pending(self, round_index: int) -> tuple[Proposal, ...]:
        """Return the proposals of a round that have no trial yet."""
        recorded = {_id_of(name) for name in self._singles(round_index)}
        # In this order: a trial that was compacted before the first request is in a segment by the second.
        if self._segment_of(round_index):
            return ()
        return tuple(p for p in self.proposals(round_index) or () if p.id not in recorded)

    def record(self, trial: Trial) -> bool:
        """Write a trial unless its proposal has one already; tell whether this one is kept."""
        name = trial_name(trial)
        if not self.store.put_new(self.key(name), encode(trial)):
            return False
        if self._segment_of(trial.proposal.round) is None or trial.id not in self._others(trial):
            return True
        self._delete([name])
        return False

    def trials(self, round_index: int) -> list[Trial]:
        """Return the trials of a round in the order of their proposals."""
        return sorted(self._stable(lambda: self._read_round(round_index)), key=lambda t: t.proposal.number)

    def _others(self, trial: Trial) -> set[str]:
        """Return the ids of the trials of that round that lie in its segment and are not this very one."""
        return {t.id for t in self.trials(trial.proposal.round) if encode(t) != encode(trial)}

    def _read_round(self, round_index: int) -> list[Trial]:
        singles = self._singles(round_index)
        if (segment := self._segment_of(round_index)) is None:
            return self._read_trials(singles)
        return [t for t in self._read_trials([segment.name]) if t.proposal.round == round_index]

    def _read_trials(self, names: Iterable[str]) -> list[Trial]:
        """Return the trials of several objects, one a line; raises `MovedError` where one is gone."""
        names = list(names)
        return [t for name, data in zip(names, self._present(names), strict=True) for t in decode(data, self.uri(name))]

    def _present(self, names: Sequence[str]) -> list[bytes]:
        found = [data for data in self.get_all(names) if data is not None]
        if len(found) < len(names):
            raise MovedError
        return found

    def _stable(self, read: Callable[[], T]) -> T:
        """Read again until nothing was moved meanwhile; a move is rare, so a few times are enough."""
        for _ in range(20):
            try:
                return read()
            except MovedError:
                continue
        raise UnavailableError(f"The history at {self.uri('history')} changes faster than it can be read. Try again later.")

    def _singles(self, round_index: int) -> list[str]:
        """Return the objects of the trials of a round that was not compacted."""
        return [name for name in self._names(f"{folder_of(round_index)}/trials/") if is_trial(name)]

    def segments(self) -> tuple[Segment, ...]:
        """Return the segments, those within others too."""
        return tuple(segment for name in self._names("history/") if (segment := Segment.parse(name)))

    def _segment_of(self, round_index: int) -> Segment | None:
        return next((s for s in widest(self.segments()) if round_index in s), None)


def encode(trial: Trial) -> bytes:
    """Write a trial as a line of JSON."""
    return orjson.dumps(trial.to_dict(), option=orjson.OPT_APPEND_NEWLINE)


def encode_segment(trials: Iterable[Trial]) -> bytes:
    """Write trials as lines of JSON and an empty one, without which a part that was cut off could not be told."""
    return b"".join([*map(encode, trials), b"\n"])


def decode(data: bytes, uri: str) -> list[Trial]:
    """Read an object of trials: a single one, or a segment.

    Raises:
        CorruptObjectError: It is cut off, or a line is no trial; the message names the object.
    """
    with named(uri, TRIALS), collection_paused():
        if uri.endswith(".jsonl") and not (data == b"\n" or data.endswith(b"\n\n")):
            raise ValueError("its end is missing")
        lines = data.removesuffix(b"\n").splitlines()
        if not lines and not uri.endswith(".jsonl"):
            raise ValueError("it is empty")
        return [_sound(Trial.from_dict(orjson.loads(line))) for line in lines if line]


def _sound(trial: Trial) -> Trial:
    """Return a trial whose values are of the types that they should be, as far as anything would go wrong later."""
    numbers = (trial.proposal.number, trial.proposal.round, trial.seconds, trial.finished_at, *trial.metrics.values())
    if not all(isinstance(number, int | float) for number in numbers):
        raise TypeError("a number is none")
    if trial.status not in STATUSES or not isinstance(trial.proposal.architecture.space, str):
        raise ValueError(f"its status is {trial.status!r}, its space {trial.proposal.architecture.space!r}")
    return trial


def proposals_of(data: bytes, uri: str) -> tuple[Proposal, ...]:
    """Read the object of a round's proposals; raises `CorruptObjectError`, which names it."""
    with named(uri, PROPOSALS):
        return _proposals(orjson.loads(data))


def _proposals(raw: list[dict[str, Any]]) -> tuple[Proposal, ...]:
    if not raw or not isinstance(raw, list):
        raise TypeError("it holds no list of proposals")
    return tuple(Proposal.from_dict(item) for item in raw)


def after_round(round_index: int) -> str:
    """Return what sorts after every object of a round and before those of the next one."""
    return f"{folder_of(round_index)}/~" if round_index >= 0 else ""


def round_of(name: str) -> int:
    """Return the round that an object below `rounds/` belongs to; -1 where it belongs to none."""
    part = name.split("/")[1]
    return int(part) if part.isdecimal() else -1


def is_trial(name: str) -> bool:
    """Tell whether an object below `rounds/` is a trial."""
    return "/trials/" in name and name.endswith(".json")


def is_proposals(name: str) -> bool:
    """Tell whether an object below `rounds/` holds the proposals of a round."""
    return name.endswith("/proposals.json")


def proposals_name(round_index: int) -> str:
    """Return the name of the proposals of a round."""
    return f"{folder_of(round_index)}/proposals.json"


def trial_name(trial: Trial) -> str:
    """Return the name of a trial, until its round is compacted."""
    return f"{folder_of(trial.proposal.round)}/trials/{trial.id}.json"


def folder_of(round_index: int) -> str:
    """Return where what belongs to a round lies."""
    if not 0 <= round_index < ROUND_LIMIT:
        raise ValueError(f"The round is {round_index}, but must be in 0..{ROUND_LIMIT - 1}.")
    return f"rounds/{round_index:06d}"


def _id_of(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".json")
