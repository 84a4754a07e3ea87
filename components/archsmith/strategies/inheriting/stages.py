"""Which networks the steps of `eas` are taken from: the start network of the stage, and those of its episodes.

A stage is told by the numbers of proposals alone, and starts from the best of the stage before. So what ends late only adds to
what there is to choose from, and weights that were let go are not asked for again.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain, cycle, islice

from archsmith.strategies.inheriting.growth_policy import Step
from archsmith.values import History, Inherits, Trial

IN_VAIN = 25
"""Networks from which no step has led to a new one, until it is given up; half of what `Novelty` allows."""

Rank = tuple[int, float]


class Stages:
    """What is known of the trials at the fidelity of the search, added in the order of their numbers.

    Args:
        n_start: Proposals before the first stage, which are trained from scratch, >= 1.
        length: Proposals of a stage, >= 1.
        steps: Of an episode, >= 1.
    """

    def __init__(self, n_start: int, length: int, steps: int) -> None:
        self._n_start, self._length, self._steps = n_start, length, steps
        self._trials: dict[str, Trial] = {}
        self._numbered: list[tuple[int, str]] = []
        self._parents: list[tuple[int, Rank, Trial]] = []
        self._may_be_parents: set[str] = set()

    def add(self, trial: Trial, rank: Rank | None) -> None:
        """Take note of a trial, with its rank; None where it can't be a parent."""
        number, name = trial.proposal.number, trial.id  # a digest, which costs more than all else here
        self._trials[name] = trial
        self._numbered.append((number, name))
        if rank is not None:
            self._parents.append((number, rank, trial))
            self._may_be_parents.add(name)

    def has_begun(self, number: int) -> bool:
        """Tell whether the proposal of this number is one of a stage."""
        return number >= self._n_start

    def path(self, trial: Trial) -> list[Step]:
        """Return the steps of its stage that led to a trial, the last one first; none where it does not inherit."""
        begin, found = self._begin(trial.proposal.number), list[Step]()
        while (parent := self._parent(trial)) is not None and len(found) < self._steps:
            found.append((parent.proposal.architecture, trial.proposal.architecture))
            if parent.proposal.number < begin:
                break
            trial = parent
        return found

    def parents(self, history: History, n: int) -> Iterator[Trial]:
        """Yield what the next `n` steps, and a few that come to nothing new, may be taken from.

        First each episode that can go on, then the start, and then all networks of the stage again and again.
        """
        start = self._start(len(history.proposals))
        if start is None:
            return iter(())
        episodes, members = self._members(history, start)
        return chain(episodes, islice(cycle([start, *members]), n + IN_VAIN))

    def kept(self, history: History) -> frozenset[str]:
        """Return the ids of what later steps may be taken from."""
        number = len(history.proposals)
        start, following = self._start(number), self._best(self._begin(number))
        members = self._members(history, start)[1] if start else []
        return frozenset(trial.id for trial in (start, following, *members) if trial)

    def _begin(self, number: int) -> int:
        """Return the number of the first proposal of a stage, by that of any."""
        return number - (number - self._n_start) % self._length if self.has_begun(number) else 0

    def _start(self, number: int) -> Trial | None:
        """Return what the stage of this proposal starts from; None while that is not known."""
        end = self._begin(number)
        while end:
            begin = self._begin(end - 1)
            if (best := self._best(begin, end)) is not None:
                return best
            end = begin
        # Where none has ended that was proposed before, the stage starts from the first one that has.
        return self._parents[0][2] if self._parents and self.has_begun(number) else None

    def _best(self, begin: int, end: float = math.inf) -> Trial | None:
        """Return the best of those with these numbers that can be a parent."""
        first, last = (bisect_left(self._parents, k, key=lambda parent: parent[0]) for k in (begin, end))
        best = min(self._parents[first:last], key=lambda parent: parent[1], default=None)
        return best[2] if best else None

    def _members(self, history: History, start: Trial) -> tuple[list[Trial], list[Trial]]:
        """Return the last networks of the stage's episodes that can go on, and all that a step can be taken from."""
        begin, steps, members = self._begin(len(history.proposals)), {start.id: 0}, list[str]()
        with_child = {p.origin.trial for p in history.running if isinstance(p.origin, Inherits)}
        for _, name in self._numbered[bisect_left(self._numbered, (begin, "")) :]:
            origin = self._trials[name].proposal.origin
            if isinstance(origin, Inherits) and origin.trial in steps:
                steps[name] = steps[origin.trial] + 1
                with_child.add(origin.trial)
                if name in self._may_be_parents and steps[name] < self._steps:
                    members.append(name)
        episodes = [self._trials[name] for name in members if name not in with_child]
        return episodes, [self._trials[name] for name in members]

    def _parent(self, trial: Trial) -> Trial | None:
        origin = trial.proposal.origin
        return self._trials.get(origin.trial) if isinstance(origin, Inherits) else None
