"""What all strategies with rungs do: let go on what its schedule says, and begin with new architectures otherwise.

`ask` is a pure function of the history: the schedule is made from the proposals in the order of their numbers and from what was
measured of them. So a search that was stopped goes on where it stood, and nothing of it is stored. What is kept from call to call
is a cache: the schedule of the proposals before the first one that is running, of which nothing will change.

What all of them share, whatever their schedule is:
    - The first objective with a goal says which of two trials is better; one within the limits comes before one beyond them;
      of two equal ones, the one that was proposed first.
    - A trial that has failed or has no finite value does not go on, nor does one that was stopped early. Its rung still
      counts it.
    - What is left of the budget when it pays for no more new architectures, up to the top, is spent on the next best. A budget
      that takes none there is spent as if it had no end.
    - A trial goes on from the weights of the one on the rung below, where that has fewer epochs and the same width and depth,
      or can be widened exactly. Else it begins anew.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import numpy as np

from archsmith.strategies.fold import Fold
from archsmith.strategies.ranking import FAILED, first_goal, rank
from archsmith.strategies.rungs.board import Rank, entries
from archsmith.strategies.rungs.ladder import Ladder, grows, within
from archsmith.strategies.rungs.schedule import Rise, Schedule
from archsmith.strategies.strategy import Problem
from archsmith.values import FromScratch, GoesOn, History, Origin, Proposal, Trial


class Source(Protocol):
    """Finds new architectures."""

    def draw(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Return up to `n` that the history has not; only their architectures and reasons are looked at.

        Fewer come back only where the space has no more.
        """
        ...


@dataclass(slots=True)
class _Replay:
    """A schedule, and the trials that have no place in it."""

    schedule: Schedule
    rank: Callable[[Trial], Rank]
    others: list[Trial] = field(default_factory=list)
    cost: float = 0.0
    """What all of them have cost, or will, in epochs of full training."""

    def put(self, proposal: Proposal, trial: Trial | None) -> None:
        self.cost += proposal.cost if trial is None else trial.cost
        has_place = self.schedule.put(proposal, trial, FAILED if trial is None else self.rank(trial))
        if not has_place and trial is not None:
            self.others.append(trial)

    def put_trial(self, trial: Trial) -> None:
        self.put(trial.proposal, trial)

    def copy(self) -> Self:
        return type(self)(self.schedule.copy(), self.rank, self.others.copy(), self.cost)


class Climbing:
    """A strategy with rungs.

    Args:
        problem: What is to be solved; its first objective with a goal says what is better.
        name: The strategy's, for errors.
        ladder: The rungs.
        schedule: Makes the schedule of an empty history.
        source: Finds new architectures.

    Raises:
        ValueError: no objective has a goal.
    """

    def __init__(self, problem: Problem, name: str, *, ladder: Ladder, schedule: Callable[[], Schedule], source: Source) -> None:
        self._objectives = problem.objectives
        self._goal = first_goal(problem, name)
        self._settled = Fold(lambda: _Replay(schedule(), self._ranked), _Replay.put_trial)
        self._ladder = ladder
        whole = ladder.climb(0, ladder.top, begins=True)
        self._budget = problem.trainings if within(whole, problem.trainings) else math.inf
        self._source = source

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` trials: those that go on first, then new architectures; see `Strategy.ask`."""
        replay = self._replayed(history)
        found = self._rising(replay, n)
        if len(found) < n and replay.schedule.opens(self._left(replay)):
            last = len(history.trials) + len(history.running)
            known = History(history.trials, (*history.running, *(replace(p, number=last + k) for k, p in enumerate(found))))
            found += self._beginning(replay, self._source.draw(known, n - len(found), rng))
        if len(found) < n:  # the space is at its end, or what is left of the budget pays for nothing new
            replay.schedule.close()
            found += self._rising(replay, n - len(found))
        return found

    def keeps(self, history: History) -> frozenset[str]:
        """Return the trials that may go on yet, and would do so from their weights; see `Keeps`."""
        replay = self._replayed(history)
        waiting = [(place.trial, rung) for place, rung in replay.schedule.may_rise() if place.trial]
        # A trial without those before it, which lead to its place, may be any of its rung.
        rungs = {fidelity: k for k, fidelity in enumerate(self._ladder.rungs[:-1])}
        lost = [t for t in replay.others if t.proposal.fidelity in rungs and self._ranked(t) != FAILED]
        waiting += [(t, rungs[t.proposal.fidelity]) for t in lost]
        goes_on = [self._ladder.goes_on(rung) for rung in rungs.values()]
        return frozenset(t.id for t, rung in waiting if goes_on[rung])

    def _replayed(self, history: History) -> _Replay:
        """Return the schedule of a history, and the trials that have no place in it."""
        trials, n = history.trials, len(history)
        if history.running:
            n = bisect_left(trials, history.running[0].number, key=lambda trial: trial.proposal.number)
        replay = self._settled(History(trials[:n])).copy()
        for proposal, trial in entries(History(trials[n:], history.running)):
            replay.put(proposal, trial)
        return replay

    def _ranked(self, trial: Trial) -> tuple[int, float]:
        return rank(trial, self._goal, self._objectives) if trial.status == "complete" else FAILED

    def _left(self, replay: _Replay) -> float:
        """Return what is left of the budget, in full trainings' worth."""
        return self._budget - replay.cost / self._ladder[self._ladder.top].cost

    def _rising(self, replay: _Replay, n: int) -> list[Proposal]:
        """Return up to `n` proposals of what goes on, and note them."""
        found: list[Proposal] = []
        while len(found) < n and (rise := replay.schedule.rise(self._left(replay))) is not None:
            found.append(self._risen(rise))
            replay.put(found[-1], None)
        return found

    def _beginning(self, replay: _Replay, new: Sequence[Proposal]) -> list[Proposal]:
        """Return proposals of the first of `new`, as many as the budget pays for, and note them."""
        found: list[Proposal] = []
        for proposal in new:
            if not replay.schedule.opens(self._left(replay)):
                break
            found.append(self._begun(proposal, replay.schedule.opening()))
            replay.put(found[-1], None)
        return found

    def _risen(self, rise: Rise) -> Proposal:
        """Return what lets a trial go on."""
        before, fidelity = rise.place.proposal, self._ladder[rise.rung]
        origin: Origin = FromScratch()
        reason = f"number {rise.position} of {rise.of} at {before.fidelity.words}, so it goes on to {fidelity.words}"
        if rise.anew:
            reason += "; anew, as its weights were not kept"
        elif self._ladder.goes_on(rise.rung - 1):
            origin = GoesOn(before.id, before.fidelity.epochs)
        else:
            reason += "; anew, as weights do not fit a larger network" if grows(before.fidelity, fidelity) else "; anew"
        return Proposal(before.architecture, fidelity, origin, reason)

    def _begun(self, proposal: Proposal, rung: int) -> Proposal:
        """Return what begins with a new architecture."""
        fidelity = self._ladder[rung]
        return Proposal(proposal.architecture, fidelity, reason=f"{proposal.reason}; begins at {fidelity.words}")
