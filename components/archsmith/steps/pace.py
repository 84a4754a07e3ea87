"""Who may look at what: the pace of a search without rounds, in which a worker that is free need not wait for others.

Whose trial ends first depends on machines, and a search must not. So what a proposal's maker knows is read off a virtual
schedule, a pure function of the proposals: as many virtual workers as may be at work at once, each busy with a proposal for its
`cost`. Where all are busy, the one that ends first ends, and its trial is seen from then on; if the strategy has nothing to
propose yet, the next one ends. Where all cost the same, proposal k is made with the trials below k - L, L being one less than the
virtual workers. `Proposal.seen`, the number of those that had ended, is all that is needed to replay it.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from archsmith.values import History, Proposal, Trial

ROUNDING = 1e-9
"""Share of a budget by which a sum of costs may miss it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much a search may propose."""

    trials: float = math.inf
    """Proposals in all."""
    cost: float = math.inf
    """What they may cost, in epochs of full training."""
    refunds: bool = False
    """Whether a trial may cost less than its proposal, since one that is not promising is stopped."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The strategy is to be asked for a proposal."""

    number: int
    """Its number."""
    seen: History
    """What is known to it, and what is running for it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be proposed before these have trials."""

    on: tuple[Proposal, ...]
    """They have ended in the virtual schedule, and not in fact."""


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more will be proposed."""


Turn = Ask | Wait | Over
"""What is next."""


class _Schedule:
    """The virtual workers: what is on them, and what has ended, in order."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ended: list[Proposal] = []
        self._busy: list[tuple[float, int, Proposal]] = []

    def add(self, proposal: Proposal) -> None:
        """Begin a proposal once as many have ended as its maker has seen."""
        while len(self.ended) < proposal.seen and self._busy:
            self.end()
        heappush(self._busy, (self.now + proposal.cost, proposal.number, proposal))

    def end(self) -> None:
        """End what ends first."""
        self.now, _, proposal = heappop(self._busy)
        self.ended.append(proposal)

    @property
    def n_running(self) -> int:
        """How many virtual workers are busy."""
        return len(self._busy)

    def running(self) -> tuple[Proposal, ...]:
        """Return what is on the virtual workers."""
        return tuple(proposal for _, _, proposal in self._busy)


class Pace:
    """Tells what is next in a search, of which whoever asks knows more and more.

    It keeps what it has worked out, and is no memory: what it answers depends on the proposals and their trials alone.

    Args:
        at_once: Virtual workers, >= 1.
        limit: How much the search may propose.
    """

    def __init__(self, at_once: int, limit: Limit | None = None) -> None:
        if at_once < 1:
            raise ValueError(f"The value of `at_once` is {at_once}, but must be >= 1; somebody has to work.")
        self._at_once = at_once
        self._limit = limit or Limit()
        self._proposals: list[Proposal] = []
        self._trials: dict[int, Trial] = {}
        self._begin()

    def _begin(self) -> None:
        self._schedule = _Schedule()
        self._seen: list[Trial] = []
        """The trials of the first of the ended ones, as many as are there, by number."""
        self._costs: list[float] = []
        """What each of them has cost."""

    @property
    def proposals(self) -> Sequence[Proposal]:
        """What was proposed, by number."""
        return self._proposals

    def add(self, proposal: Proposal) -> None:
        """Take note of the next proposal; they come in the order of their numbers."""
        if self._proposals and proposal.number <= self._proposals[-1].number:
            raise ValueError(f"Proposal {proposal.number} comes after {self._proposals[-1].number}; a proposal was missing.")
        self._proposals.append(proposal)
        if proposal.seen >= len(self._schedule.ended):
            self._schedule.add(proposal)
            return
        self._begin()  # whoever made it had another number of workers in mind, and so looked less far than `turn` here
        for known in self._proposals:
            self._schedule.add(known)

    def measured(self, trial: Trial) -> None:
        """Take note of a trial; they come in any order."""
        self._trials.setdefault(trial.proposal.number, trial)

    def turn(self) -> Turn:
        """Return what is next."""
        schedule, number = self._schedule, self._proposals[-1].number + 1 if self._proposals else 0
        if len(self._proposals) >= self._limit.trials:
            return Over()
        while schedule.n_running >= self._at_once:
            schedule.end()
        while True:
            if missing := self._look():
                return Wait(missing)
            running = schedule.running()
            if not self._is_spent(running):
                return Ask(number, History(tuple(self._seen), running))
            if not self._limit.refunds or not running:
                return Over()
            schedule.end()

    def nothing(self) -> bool:
        """Take note that the strategy had nothing to propose; tell whether it may have once another trial has ended."""
        if not self._schedule.n_running:
            return False
        self._schedule.end()
        return True

    def _look(self) -> tuple[Proposal, ...]:
        """See the trials of what has ended; return those that are not there yet."""
        unseen = self._schedule.ended[len(self._seen) :]
        missing = tuple(p for p in unseen if p.number not in self._trials)
        for proposal in () if missing else unseen:
            trial = self._trials[proposal.number]
            insort(self._seen, trial, key=_number)
            self._costs.append(trial.cost)
        return missing

    def _is_spent(self, running: tuple[Proposal, ...]) -> bool:
        if self._limit.cost == math.inf:
            return False
        spent = math.fsum((*self._costs, *(p.cost for p in running)))
        return spent >= self._limit.cost * (1 - ROUNDING)


class Replay:
    """What the maker of each proposal knew: asked in the order of their numbers, it goes through all of them but once.

    What it keeps is worked out of the proposals alone: where it is asked about an earlier one, or where others come to be known
    that are earlier, it begins anew.
    """

    def __init__(self) -> None:
        self._schedule, self._added = _Schedule(), list[Proposal]()

    def seen_by(self, history: History, proposal: Proposal) -> History:
        """Return what the maker of `proposal` knew: the trials that it had seen, and as running all others before it.

        Whoever measures a proposal may compare it with these and with no others, or a search would depend on who was faster.
        """
        proposals = history.proposals
        before = proposals[: bisect_left(proposals, proposal.number, key=lambda p: p.number)]
        added, schedule = self._added, self._schedule
        if len(added) > len(before) or any(a is not b and a != b for a, b in zip(added, before, strict=False)):
            added, schedule = self._added, self._schedule = list[Proposal](), _Schedule()
        for each in before[len(added) :]:
            schedule.add(each)
            added.append(each)
        while len(schedule.ended) < proposal.seen and schedule.n_running:  # fewer are left where objects were removed
            schedule.end()
        trials = {t.proposal.number: t for t in history}
        return History.of([trials[p.number] for p in schedule.ended if p.number in trials], schedule.running())


def seen_by(history: History, proposal: Proposal) -> History:
    """Return what the maker of one proposal knew; see `Replay.seen_by`."""
    return Replay().seen_by(history, proposal)


def _number(trial: Trial) -> int:
    return trial.proposal.number
