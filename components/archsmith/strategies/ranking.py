"""Which of two trials is better: shared by the strategies that follow one objective."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from archsmith.spec import Objective
from archsmith.strategies.strategy import Problem
from archsmith.values import Trial

Rank = tuple[int, float]
"""What orders trials, the best one least."""

FAILED: Rank = (2, 0.0)
"""The rank of a trial that has no finite value of the objective."""


def first_goal(problem: Problem, strategy: str) -> Objective:
    """Return the first objective that has a goal; raises `ValueError`, which names `strategy`, where none has."""
    goal = next((objective for objective in problem.objectives if objective.goal), None)
    if goal is None:
        raise ValueError(f"No objective has a `goal`, but {strategy} needs one to tell which trial is better.")
    return goal


def rank(trial: Trial, goal: Objective, objectives: Sequence[Objective]) -> Rank:
    """Return what orders trials, the best one least: within the limits, beyond them, failed."""
    cost = goal.cost(trial)
    if not math.isfinite(cost):
        return FAILED
    return (0 if keeps_measured_limits(trial, objectives) else 1), cost


def keeps_measured_limits(trial: Trial, objectives: Sequence[Objective]) -> bool:
    """Tell whether each metric that was measured is within its limit; unlike in a selection, one may be missing."""
    return all(o.allows(trial.metrics[o.metric]) for o in objectives if o.limit is not None and o.metric in trial.metrics)


def reward(rank: Rank, ranks: Sequence[Rank]) -> float:
    """Return the reward of a trial by its place among all: log(n / place) - 1.

    A place is 1/2 for the best of all and n - 1/2 for the worst; equal ranks share the middle of theirs. These are
    the quantiles of an exponential distribution, so the mean is 0, the worst is at about -1, and the few best are far
    above the rest: to tell those apart is what the search is for, and accuracies differ least among them. Failed trials
    are equal, and the last.

    Args:
        rank: Of the trial, the best one least.
        ranks: Of all trials so far, sorted, with `rank` among them.

    Reference: Savage 1956, Contributions to the Theory of Rank Order Statistics, has the expectations of the same order
    statistics; Wierstra et al. 2014, Natural Evolution Strategies, section 3.1, has ranks as rewards (fitness shaping).
    """
    place = (bisect_left(ranks, rank) + bisect_right(ranks, rank)) / 2
    return math.log(len(ranks) / place) - 1
