"""A search over many looks: each reads only what is new, and leaves what pages are made of."""

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from archsmith.errors import ArchsmithError, CorruptObjectError, TransientError
from archsmith.opening import read_search
from archsmith.search import Search
from archsmith.steps.last_error import read_error
from archsmith.stores.board import Board, Key, key_of
from archsmith.stores.folder import SearchFolder
from archsmith.stores.store import Store
from archsmith.ui.window import Window
from archsmith.values import Architecture, Trial
from archsmith.views.snapshot import Snapshot

_ENDED_S = 30.0
"""Seconds after which an ended search is read anew though nothing tells that it goes on: an object may have been damaged."""

_PROCESS = secrets.token_hex(4)
"""Tells this process from one before: in which order trials became known, each knows by itself."""


@dataclass(frozen=True)
class Seen:
    """A search at a moment."""

    folder: SearchFolder
    """Its folder, as of that moment; nothing can be written to it."""
    now: Snapshot
    """How it stands."""
    trials: tuple[Trial, ...]
    """Its trials in the order in which they became known: what is new comes last."""
    era: str
    """Another one where the trials of before are gone, as those of a search that was deleted and begun anew."""
    workers: Mapping[str, str]
    """The names of the pods that work, by the ids of the trials that they have taken."""
    alive: int
    """How many pods say that they are alive."""
    error: str
    """Why the last run failed for good; empty where it did not."""
    changed_at: float
    """When something was last seen to change, in seconds since the epoch of Unix."""

    def trial(self, trial_id: str) -> Trial | None:
        """Return the trial of this id; None where none has ended that has it."""
        return next((t for t in self.trials if t.id == trial_id), None)

    def architecture(self, trial_id: str) -> Architecture | None:
        """Return what a trial has measured, or what one that runs measures."""
        if (trial := self.trial(trial_id)) is not None:
            return trial.proposal.architecture
        running = self.now.running.get(trial_id)
        return running[0].architecture if running else None


@dataclass
class Following:
    """What was seen of a search, and what speaks against it.

    It is used by one thread at a time; whoever only reads its fields may do so from any.
    """

    store: Store
    """Where it lies."""
    name: str
    """Its name."""
    seen: Seen | None = None
    """The last look that went well."""
    trouble: str = ""
    """Why the last look did not; empty where it did."""
    gone: bool = False
    """Whether the store has no such search, or no longer."""
    looks: int = 0
    """How many looks there were, those that failed among them."""
    _window: Window = field(init=False)
    _folder: SearchFolder = field(init=False)
    _board: Board | None = field(default=None, init=False)
    _parsed: tuple[bytes, bytes, Search] | None = field(default=None, init=False)
    _claimed: dict[tuple[Key, int], str] = field(default_factory=dict, init=False)
    _mark: str = field(default="", init=False)
    _changed_at: float = field(default=0.0, init=False)
    _read_at: float = field(default=0.0, init=False)
    _identity: str = field(default="", init=False)
    _boards: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._window = Window(self.store, f"searches/{self.name}/")
        self._folder = SearchFolder(self._window, self.name)

    def let_go(self) -> None:
        """Forget all that was read: the next look reads it anew."""
        self.seen, self._board, self._parsed, self._claimed = None, None, None, {}
        self.__post_init__()

    def look(self) -> None:
        """Read what is new. What fails is said in `trouble`, and what was seen before stays."""
        try:
            self._look()
        except ArchsmithError as error:
            self.trouble = str(error)
            if not isinstance(error, TransientError):
                self._board = None  # what is damaged may be mended by other objects in its place
        self.looks += 1

    def _look(self) -> None:
        if self._is_as_it_was():
            return
        keys = self._window.look()
        if not keys:
            self.seen, self.gone, self.trouble, self._board, self._parsed = None, True, "", None, None
            return
        self.gone = False
        search, identity = self._search()
        board = self._looked(identity)
        now = Snapshot.read(self._folder, search, board.history())
        error = read_error(self._folder)
        pods = {key.split("/")[3] for key in keys if key.startswith(f"searches/{self.name}/pods/")}
        mark = _mark_of(keys, now)
        if mark != self._mark:
            self._mark, self._changed_at = mark, time.time()
        era, workers = f"{identity}-{_PROCESS}-{self._boards}", self._workers(board, now)
        self.seen = Seen(self._folder, now, tuple(board.arrived), era, workers, len(pods), str(error or ""), self._changed_at)
        self.trouble, self._read_at = "", time.monotonic()

    def _looked(self, identity: str) -> Board:
        """Return the board with what is new on it; another one where the search is another one, or it could not be read."""
        if self._board is not None and self._identity == identity:
            self._board.look()
        else:
            self._window.forget()
            self._claimed, self._identity = {}, identity
            self._boards += 1
            self._board = Board(self._folder)
        return self._board

    def _is_as_it_was(self) -> bool:
        """Tell whether a search that has ended is still the same, with one request: the mark of its end says with what."""
        if self.seen is None or self.trouble or self.seen.now.phase != "done" or time.monotonic() > self._read_at + _ENDED_S:
            return False
        return f"searches/{self.name}/done" in self.store.list(f"searches/{self.name}/done")

    def _search(self) -> tuple[Search, str]:
        """Return the search, read anew only where its file or its space is another one, and what tells it from others."""
        text, space = self._folder.read("search.yaml") or b"", self._folder.read("space.json") or b""
        if self._parsed is None or self._parsed[:2] != (text, space):
            self._parsed = text, space, read_search(self._folder, runs_here=False)
        try:
            identity = self._folder.identity() if space else ""
        except CorruptObjectError:
            identity = ""  # which the snapshot says
        return self._parsed[2], identity

    def _workers(self, board: Board, now: Snapshot) -> dict[str, str]:
        """Return which pod has taken what runs; a claim is read once."""
        found = {}
        for proposal in board.open():
            attempt = board.claims.get(key_of(proposal))
            if attempt is None or proposal.id not in now.running:
                continue
            claim = key_of(proposal), attempt
            if claim not in self._claimed:
                self._claimed[claim] = self._folder.claimed_by(proposal, attempt)
            found[proposal.id] = self._claimed[claim]
        return found


def _mark_of(keys: frozenset[str], now: Snapshot) -> str:
    """Return what is another one whenever a step has done something."""
    curves = [f"{trial} {len(curve)}" for trial, (_, curve) in sorted(now.running.items())]
    return hashlib.sha256("\0".join([*sorted(keys), *curves]).encode()).hexdigest()
