"""Where an estimate task's work comes from: proposals that nobody else works on, and new ones where there are none."""

import logging
import math
import time
from collections.abc import Callable, Collection, Iterator
from typing import Protocol

from archsmith.errors import TransientError
from archsmith.steps.pods import Pods
from archsmith.steps.pool import LATER, Later
from archsmith.stores.board import Board, Key, key_of
from archsmith.stores.claims import Claims
from archsmith.values import Proposal, Trial

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.25
"""Seconds between two looks at the store, at first."""
LOOK_AT_LEAST_EVERY_S = 5.0
"""Seconds between them at most."""
PATIENCE = 0.1
"""How the pause between them grows: this share of the time in which nothing was found."""


class Proposer(Protocol):
    """Makes proposals one by one; a source of work asks it where nothing else is left."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be proposed, as of the last call of `propose`."""
        ...

    def propose(self) -> bool:
        """Make the next proposal if it can be made now; tell whether it was."""
        ...


class NoProposer:
    """Makes none: what a round has is all there is."""

    is_over = True

    def propose(self) -> bool:
        """Make no proposal."""
        return False


class WorkSource:
    """Yields what this pod is to measure, each claimed by it; `LATER` where there is nothing now and may be soon.

    It ends once nothing is left that a living pod does not do.

    Args:
        folder: The search's folder.
        board: What is known of its work.
        pods: This pod among the others.
        proposer: Makes new proposals.
        may_start: Whether the budget lets another trial start.
        clock: Seconds that never go back.
    """

    def __init__(
        self, folder: Claims, board: Board, pods: Pods, proposer: Proposer, *,
        may_start: Callable[[], bool], clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._folder, self._board, self._pods, self._proposer = folder, board, pods, proposer
        self._may_start, self._clock = may_start, clock
        self._mine: dict[Key, tuple[Proposal, int]] = {}
        """What this pod works on, and the attempt of its claim."""
        self._holders: dict[tuple[Key, int], str] = {}
        """Whose claims were read."""
        self._idle_since: float | None = None
        self._looked_at = -math.inf

    def __iter__(self) -> Iterator[Proposal | Later]:
        return self

    def __next__(self) -> Proposal | Later:
        if not self._may_start():
            raise StopIteration
        if not self._is_time_to_look():
            return LATER
        try:
            found = self._next()
        except TransientError as error:
            if not self._mine:
                raise
            log.warning("What else there is to do is not known now: %s", error)
            found = None
        if found is not None:
            self._idle_since = None
            return found
        if self._proposer.is_over and self._others_live():
            raise StopIteration
        if self._idle_since is None:
            self._idle_since = self._clock()
        return LATER

    def ended(self, proposal: Proposal, trial: Trial | None) -> None:
        """Take note that this pod has done with a proposal; with its trial, if that is the one that is kept."""
        self._mine.pop(key_of(proposal), None)
        self._idle_since = None
        if trial is not None:
            self._board.measured(trial)

    def given_up(self) -> Collection[Proposal]:
        """Say that this pod lives; return what others have taken over from it, as it was slow to say so."""
        try:
            if not self._pods.beat() or not self._mine:
                return ()
            self._look()
        except TransientError as error:
            log.warning("Whether others wait for this pod is not known now: %s", error)
            return ()
        board = self._board
        lost = [p for key, (p, attempt) in self._mine.items() if key in board.trials or board.claims[key] > attempt]
        for proposal in lost:
            log.warning("Another pod has taken over trial %04d, as this one was not heard of for a while.", proposal.number)
            del self._mine[key_of(proposal)]
        return lost

    def _is_time_to_look(self) -> bool:
        if self._idle_since is None:
            return True
        pause = PATIENCE * (self._clock() - self._idle_since)
        return self._clock() - self._looked_at >= min(max(pause, LOOK_EVERY_S), LOOK_AT_LEAST_EVERY_S)

    def _next(self) -> Proposal | None:
        """Find something to do: by what is known first, as a look has its price, and then by what there is now."""
        if self._idle_since is None and self._looked_at > -math.inf and (found := self._free() or self._new()):
            return found
        self._look()
        return self._free() or self._taken_over() or self._new()

    def _look(self) -> None:
        self._board.look()
        self._looked_at = self._clock()

    def _free(self) -> Proposal | None:
        """Claim the lowest proposal that nobody has claimed."""
        free = (p for p in self._board.open() if key_of(p) not in self._board.claims)
        return next((p for p in free if self._claim(p, 1)), None)

    def _taken_over(self) -> Proposal | None:
        """Claim the lowest proposal whose pod is dead."""
        if not any(self._is_dead(p) for p in self._board.open()):
            return None
        self._board.look(surely=True)  # it may have died after the last look, and have ended a trial between
        left = ((p, self._board.claims[key_of(p)] + 1) for p in self._board.open() if self._is_dead(p))
        return next((p for p, attempt in left if self._claim(p, attempt)), None)

    def _new(self) -> Proposal | None:
        """Make proposals until one of them is this pod's."""
        while self._proposer.propose():
            if found := self._free():
                return found
        return None

    def _claim(self, proposal: Proposal, attempt: int) -> bool:
        self._board.claimed(proposal, attempt)
        if not self._folder.claim(proposal, self._pods.name, attempt):
            return False
        self._mine[key_of(proposal)] = proposal, attempt
        return True

    def _is_dead(self, proposal: Proposal) -> bool:
        """Tell whether a proposal is claimed by a pod that is dead, or by this one without its knowing: no answer reached it."""
        holder = self._holder(proposal)
        if holder == self._pods.name:
            return key_of(proposal) not in self._mine
        return holder is not None and self._pods.is_dead(holder)

    def _others_live(self) -> bool:
        """Tell whether all that work on what is left are known to live; one that was killed right now may not be known yet."""
        return all(
            (holder := self._holder(p)) is not None and not self._is_dead(p) and self._pods.is_alive(holder)
            for p in self._board.open()
        )

    def _holder(self, proposal: Proposal) -> str | None:
        """Return the name of the pod that has claimed a proposal; None where nobody has."""
        key = key_of(proposal)
        attempt = self._board.claims.get(key, 0)
        if not attempt:
            return None
        if key in self._mine:
            return self._pods.name
        if (key, attempt) not in self._holders:
            self._holders[key, attempt] = self._folder.claimed_by(proposal, attempt)
        return self._holders[key, attempt]
