"""Who reads the store: a thread a search that is looked at, and one for the list, however many browsers there are."""

import gzip
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import orjson

from archsmith.errors import ArchsmithError
from archsmith.stores.folder import SearchFolder
from archsmith.stores.store import Store
from archsmith.ui.following import Following, Seen
from archsmith.ui.parts import Parts, parts_of
from archsmith.ui.rows import row
from archsmith.values import Trial
from archsmith.views.listed import Listed, ended_as, listed_of

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.7
"""Shortest pause between two looks at a search that runs."""
ENDED_EVERY_S = 5.0
"""The same of one that has ended, or is not there."""
LIST_EVERY_S = 2.0
"""The same of the list."""
PAUSES = 3.0
"""Pause after a look, as a multiple of what the look took: so reading takes a quarter of a core at most."""
INTEREST_S = 20.0
"""Seconds after the last question of a browser for which a search is still looked at."""
_AT_ONCE = 8
"""Searches of the list that are read at once; reading is waiting for a server."""
_KEPT = 12
"""Answers that are kept in memory though nobody looks at them any more."""


@dataclass(frozen=True)
class Answer:
    """What a search comes to for browsers, as of a look."""

    seen: Seen | None
    """It; None where nothing could be read yet."""
    parts: Parts
    """What is told of it beside its trials."""
    rows: Sequence[bytes]
    """Its trials; more may have come to the end of it since."""
    n: int
    """How many of the rows belong to this answer."""
    trouble: str
    """Why the last look failed; empty where it did not."""
    gone: bool
    """Whether there is no such search."""
    whole: bytes = b""
    """The whole of it, compressed: what a browser gets that has nothing yet."""

    def body(self, era: str, have: int, known: Sequence[str]) -> bytes:
        """Return what a browser lacks, as JSON; empty where that is nothing.

        Args:
            era: Whose trials it has.
            have: How many it has.
            known: Digests of the parts that it has, and of the trouble that it was told of.
        """
        state = state_of(self.trouble, self.gone)
        if self.seen is None:
            return b"" if state in known else orjson.dumps({"state": state, "trouble": self.trouble, "gone": self.gone})
        begin = have if era == self.seen.era else 0
        parts = {name: (digest, data) for name, (digest, data) in self.parts.items() if digest not in known}
        if begin >= self.n and not parts and state in known:
            return b""
        return orjson.dumps(
            {
                "state": state,
                "trouble": self.trouble,
                "gone": self.gone,
                "era": self.seen.era,
                "from": begin,
                "rows": [orjson.Fragment(data) for data in self.rows[begin : self.n]],
                "digests": {name: digest for name, (digest, _) in self.parts.items()},
                "parts": {name: orjson.Fragment(data) for name, (_, data) in parts.items()},
            }
        )


def state_of(trouble: str, gone: bool) -> str:
    """Return a short name of what speaks against a look, for browsers to say that they know it."""
    return "gone" if gone else f"trouble-{hash(trouble) & 0xFFFFFF:x}" if trouble else "well"


class WhileAsked:
    """Does something again and again, in a thread that ends when nobody asks for it any more.

    Args:
        once: Does it once, and returns the shortest pause after it in seconds.
        name: Name of the thread.
        interest_s: Seconds after the last question for which it goes on.
    """

    def __init__(self, once: Callable[[], float], name: str, interest_s: float) -> None:
        self._once, self._name, self._interest_s = once, name, interest_s
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.asked_at = 0.0

    def ask(self) -> None:
        """Say that somebody waits for it."""
        self.asked_at = time.monotonic()
        with self._lock:
            if not self.runs:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    @property
    def runs(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while time.monotonic() < self.asked_at + self._interest_s:
            begin = time.monotonic()
            pause_s = self._once()
            time.sleep(max(pause_s, PAUSES * (time.monotonic() - begin)))


class Reader:
    """Reads one search again and again, while somebody asks for it.

    Args:
        following: What reads it.
        interest_s: Seconds after the last question for which it goes on.
    """

    def __init__(self, following: Following, interest_s: float = INTEREST_S) -> None:
        self.following = following
        self.answer: Answer | None = None
        """The last one; None before the first look."""
        self.first = threading.Event()
        """Set after the first look."""
        self.looking = threading.Lock()
        """Held while it is read: the list reads it too."""
        self._rows: list[bytes] = []
        self._era = ""
        self._repeated = WhileAsked(self._look, f"read {following.name}", interest_s)

    def ask(self) -> None:
        """Say that somebody looks at it."""
        self._repeated.ask()

    @property
    def asked_at(self) -> float:
        """When somebody looked last, on the monotonic clock."""
        return self._repeated.asked_at

    @property
    def is_watched(self) -> bool:
        """Whether its thread runs."""
        return self._repeated.runs

    def forget(self) -> None:
        """Forget the answer; what was seen stays."""
        self.first.clear()
        self.answer, self._rows, self._era = None, [], ""

    def _look(self) -> float:
        with self.looking:
            self.following.look()
            self._tell()
        self.first.set()
        seen = self.following.seen
        ended = self.following.gone or (seen is not None and seen.now.phase == "done")
        return ENDED_EVERY_S if ended else LOOK_EVERY_S

    def _tell(self) -> None:
        """Make an answer of what was seen, if that is another one than before."""
        following, last = self.following, self.answer
        seen = following.seen
        if last and last.seen is seen and (last.trouble, last.gone) == (following.trouble, following.gone):
            return
        if seen is None:
            self.answer = Answer(None, {}, (), 0, following.trouble, following.gone)
            return
        parts = last.parts if last and last.seen is seen else parts_of(seen)
        self._extend(seen.era, seen.trials)
        answer = Answer(seen, parts, self._rows, len(seen.trials), following.trouble, following.gone)
        self.answer = replace(answer, whole=gzip.compress(answer.body("", 0, ()), 1))

    def _extend(self, era: str, trials: Sequence[Trial]) -> None:
        """Write the trials that are new; those of another era make a list of their own, as the old one is still answered from."""
        if era != self._era:
            self._rows, self._era = [], era
        self._rows.extend(row(trial) for trial in trials[len(self._rows) :])


class Readers:
    """All readers of a store.

    Args:
        store: It.
        interest_s: Seconds after the last question for which something is read again and again.
    """

    def __init__(self, store: Store, interest_s: float = INTEREST_S) -> None:
        self._store, self._interest_s = store, interest_s
        self._readers: dict[str, Reader] = {}
        self._lock = threading.Lock()
        self.list = ListReader(store, self._reader, interest_s)

    def folder(self, name: str) -> SearchFolder:
        """Return the folder of a search, as it is now."""
        return SearchFolder(self._store, name)

    def ask(self, name: str, wait_s: float = 15.0) -> Answer | None:
        """Return how a search stands; None where nothing is known after so many seconds."""
        reader = self._reader(name)
        reader.ask()
        reader.first.wait(wait_s)
        return reader.answer

    def _reader(self, name: str) -> Reader:
        with self._lock:
            if len(self._readers) > _KEPT:
                self._sweep()
            if name not in self._readers:
                self._readers[name] = Reader(Following(self._store, name), self._interest_s)
            return self._readers[name]

    def _sweep(self) -> None:
        """Forget the answers that nobody has asked for for longest, and searches that are gone."""
        idle = [r for r in self._readers.values() if r.answer and not r.is_watched]
        for reader in sorted(idle, key=lambda r: r.asked_at)[: max(0, len(idle) - _KEPT)]:
            reader.forget()
        gone = [name for name, r in self._readers.items() if r.following.gone and r.following.looks and not r.is_watched]
        for name in gone:
            del self._readers[name]


class ListReader:
    """Reads the list of all searches again and again, as long as somebody asks for it.

    Those that have not ended are read at every look. Those that have left how they stand: that is asked for in turns, a few a
    look, and nothing of them is held but of those that somebody has opened.
    """

    def __init__(self, store: Store, reader: Callable[[str], Reader], interest_s: float) -> None:
        self._store, self._reader = store, reader
        self._listed: dict[str, Listed] = {}
        self._turn = 0
        self._repeated = WhileAsked(self._look, "read the list", interest_s)
        self.first = threading.Event()
        self.names: tuple[str, ...] = ()
        self.trouble = ""
        self.whole = False

    def ask(self, wait_s: float = 5.0) -> tuple[Mapping[str, Listed | None], str, bool]:
        """Return the searches by name, None for what is not read yet; why they can't be read; and whether all are read."""
        self._repeated.ask()
        self.first.wait(wait_s)
        return {name: self._listed.get(name) for name in self.names}, self.trouble, self.whole

    def _look(self) -> float:
        try:
            self.names = tuple(sorted(SearchFolder.names(self._store)))
        except ArchsmithError as error:
            self.trouble = str(error)
            self.first.set()
            return LIST_EVERY_S
        self.trouble = ""
        for name in self._listed.keys() - set(self.names):
            self._listed.pop(name)
        self.first.set()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for kept in pool.map(ended_as, [SearchFolder(self._store, name) for name in self.names if name not in self._listed]):
                if kept is not None:
                    self._listed[kept.name] = kept
            list(pool.map(self._read, self._due()))
        self.whole = True
        return LIST_EVERY_S

    def _due(self) -> Iterator[str]:
        """Yield what is to be read now: what is not known or goes on, and those of some that have ended which go on by now."""
        ended = [name for name in self.names if (known := self._listed.get(name)) and known.phase == "done"]
        yield from (name for name in self.names if name not in set(ended))
        for k in range(min(len(ended), 3)):
            name = ended[(self._turn + k) % len(ended)]
            try:
                kept = ended_as(SearchFolder(self._store, name))
            except ArchsmithError:
                kept = None  # why, the look at it says
            if kept is None or self._listed[name].error:
                yield name
            else:
                self._listed[name] = kept
        self._turn += 3

    def _read(self, name: str) -> None:
        reader = self._reader(name)
        following = reader.following
        if not reader.is_watched:  # else its own thread reads it more often
            with reader.looking:
                following.look()
        if following.trouble and following.seen is None:
            self._listed[name] = Listed(name, error=following.trouble)
        elif following.gone:
            self._listed.pop(name, None)
        elif following.seen is not None:
            listed = listed_of(following.seen.now, error=following.trouble or following.seen.error or None)
            self._listed[name] = listed
            if listed.phase == "done":
                with reader.looking:
                    if reader.answer is None and not reader.is_watched:
                        following.let_go()
