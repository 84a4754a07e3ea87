"""Which of two trials is better: shared by the strategies that follow one objective."""

import math
from collections.abc import Sequence

from archsmith.spec import Objective
from archsmith.strategies.strategy import Problem
from archsmith.values import Trial

FAILED = (2, 0.0)
"""The rank of a trial that has no finite value of the objective."""


def first_goal(problem: Problem, strategy: str) -> Objective:
    """Return the first objective that has a goal; raises `ValueError`, which names `strategy`, where none has."""
    goal = next((objective for objective in problem.objectives if objective.goal), None)
    if goal is None:
        raise ValueError(f"No objective has a `goal`, but {strategy} needs one to tell which trial is better.")
    return goal


def rank(trial: Trial, goal: Objective, objectives: Sequence[Objective]) -> tuple[int, float]:
    """Return what orders trials, the best one least: within the limits, beyond them, failed."""
    cost = goal.cost(trial)
    if not math.isfinite(cost):
        return FAILED
    return (0 if keeps_measured_limits(trial, objectives) else 1), cost


def keeps_measured_limits(trial: Trial, objectives: Sequence[Objective]) -> bool:
    """Tell whether each metric that was measured is within its limit; unlike in a selection, one may be missing."""
    return all(o.allows(trial.metrics[o.metric]) for o in objectives if o.limit is not None and o.metric in trial.metrics)
