"""Look with shared weights, then train the best alone: a supernet's ranking is a filter, and no verdict.

References:
    - Guo, Zhang, Mu, Heng, Liu, Wei, Sun 2020, Single Path One-Shot Neural Architecture Search with Uniform Sampling
      (arXiv:1904.00420), section 3.4: evolution over inherited weights.
    - Bender, Kindermans, Zoph, Vasudevan, Le 2018, Understanding and Simplifying One-Shot Architecture Search (ICML): the best by
      shared weights are trained from scratch, and compared then.
    - Yu, Sciuto, Jaggi, Musat, Salzmann 2020, Evaluating the Search Phase of Neural Architecture Search (arXiv:1902.08142): what
      such a ranking is worth without that.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from archsmith.errors import InfeasibleError
from archsmith.spec import Objective
from archsmith.strategies.evolution.nsga2 import best
from archsmith.strategies.fronts import failed
from archsmith.strategies.ranking import first_goal, rank
from archsmith.strategies.strategy import Problem, Strategy
from archsmith.values import Architecture, History, Proposal, Trial
from archsmith.values.looks import told_by
from archsmith.values.proposals import SHARED

_LOSS = Objective(metric="loss", goal="minimize")


class Reranked:
    """Proposes looks, as many as the problem has trials, and when all of them have ended, the best for a training alone.

    It may be asked on with more trials, or a larger `top`: then there are more looks, and what is among the best by now and was
    not trained is proposed. Where nothing looks, what was derived is trained, the first of it first.

    Args:
        problem: What is to be solved; its `trials` are the looks.
        looking: Says what to look at. It sees a search of looks only. None where there are none.
        top: How many are trained alone, >= 1.

    Raises:
        ValueError: No objective has a goal.
    """

    def __init__(self, problem: Problem, looking: Strategy | None, *, top: int) -> None:
        first_goal(problem, "a strategy with shared weights")
        self._problem, self._looking, self._top = problem, looking, top

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` looks, or, once all have ended, up to `n` trainings; see `Strategy.ask`."""
        looks = _of(history, looks=True)
        if self._looking is not None:
            left = min(n, self._problem.trials - len(looks.proposals))
            if left > 0 and (asked := self._looking.ask(looks, int(left), rng)):
                return [replace(p, origin=SHARED) for p in asked]
            if looks.running:
                return []
        return list(self._trainings(looks, _of(history, looks=False)))[: max(0, n)]

    def _trainings(self, looks: History, trainings: History) -> Iterator[Proposal]:
        """Yield the best that are not trained yet, nor being trained."""
        canonical = self._problem.space.canonical
        known = {canonical(p.architecture) for p in trainings.proposals if p.fidelity == self._problem.fidelity}
        for place, architecture in enumerate(self._best(looks), start=1):
            if canonical(architecture) not in known:
                yield Proposal(architecture, self._problem.fidelity, reason=self._reason(place, looks))

    def _best(self, looks: History) -> list[Architecture]:
        """Return what is to be trained alone, the best first."""
        if self._looking is None:
            return _different(self._problem, self._problem.derived, self._top)
        ordered = _ordered(looks.completed, self._problem)
        return _different(self._problem, [trial.proposal.architecture for trial in ordered], self._top)

    def _reason(self, place: int, looks: History) -> str:
        if self._looking is None:
            return f"number {place} of what the shared weights prefer"
        return f"number {place} of {len(looks)} by shared weights"


class InOrder:
    """Proposes what was derived, the best first.

    Args:
        problem: What is to be solved.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:  # noqa: ARG002 -- nothing is random
        """Propose up to `n` of what was derived and is new; see `Strategy.ask`."""
        problem, canonical = self._problem, self._problem.space.canonical
        known = {canonical(p.architecture) for p in history.proposals if p.fidelity == problem.fidelity}
        new = [a for a in _different(problem, problem.derived) if canonical(a) not in known]
        return [Proposal(a, problem.fidelity, reason="drawn by the policy") for a in new[: max(0, n)]]


def _of(history: History, *, looks: bool) -> History:
    """Return the part of a history that was measured with shared weights, or that was trained."""
    trials = tuple(t for t in history.trials if t.proposal.is_look == looks)
    return History(trials, tuple(p for p in history.running if p.is_look == looks))


def _different(problem: Problem, architectures: Sequence[Architecture], most: float = math.inf) -> list[Architecture]:
    """Return the first that are within the limits, each network once.

    Raises:
        InfeasibleError: There are some, and none of them is.
    """
    found: dict[Architecture, Architecture] = {}
    for architecture in architectures:
        if len(found) >= most:
            break
        if problem.feasible(architecture):
            found.setdefault(problem.space.canonical(architecture), architecture)
    if architectures and not found:
        raise InfeasibleError(
            f"None of {len(architectures)} architectures that the shared weights prefer is within the limits on what is known "
            "without training; raise the limits, or take a strategy that keeps them while it looks, such as single-path."
        )
    return list(found.values())


def _ordered(looks: Sequence[Trial], problem: Problem) -> list[Trial]:
    """Return the looks that have a finite value of each goal, the best first; of several goals, by NSGA-II's order.

    Where accuracy is the only goal, the loss orders them.
    """
    goals = [o for o in problem.objectives if o.goal]
    usable = [t for t in looks if not failed(t, goals)]
    if len(goals) > 1:
        return best(usable, problem.objectives, len(usable))
    goal = goals[0] if told_by(goals[0].metric, usable) == goals[0].metric else _LOSS
    return sorted(usable, key=lambda t: (rank(t, goal, problem.objectives), t.proposal.number))
