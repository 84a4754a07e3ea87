"""Which trials no other one dominates, within the limits: shared by the strategies that follow several objectives.

Reference: Deb, Pratap, Agarwal, Meyarivan 2002, A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II
(IEEE Trans. Evol. Comput. 6(2), doi:10.1109/4235.996017), section VI-A: constraint-domination.
"""

import math
from collections.abc import Sequence

import numpy as np

from archsmith.spec import Objective
from archsmith.values import Trial
from archsmith.values.pareto import fronts


def constrained_fronts(trials: Sequence[Trial], objectives: Sequence[Objective]) -> np.ndarray:
    """Return the front of each trial by constraint-domination (definition 1): (n_trials,), integers.

    Those within all limits are on the fronts of their goals; then come those beyond, in the order of their violation; last
    the failed ones.
    """
    costs, violation = costs_of(trials, objectives), np.array([_violation(t, objectives) for t in trials])
    finite = np.isfinite(costs).all(axis=1)
    within, beyond = finite & (violation == 0), finite & (violation > 0)
    found = np.zeros(len(trials), dtype=int)
    found[within] = fronts(costs[within])
    found[beyond] = len(trials) + np.unique(violation[beyond], return_inverse=True)[1]
    found[~finite] = 2 * len(trials)
    return found


def failed(trial: Trial, objectives: Sequence[Objective]) -> bool:
    """Tell whether a trial lacks a finite value of an objective that has a goal."""
    return not all(math.isfinite(o.cost(trial)) for o in objectives if o.goal)


def costs_of(trials: Sequence[Trial], objectives: Sequence[Objective]) -> np.ndarray:
    """Return what each objective that has a goal costs each trial: (n_trials, n_goals), float64; infinite where it failed."""
    goals = [o for o in objectives if o.goal]
    return np.array([[o.cost(t) for o in goals] for t in trials]).reshape(len(trials), len(goals))


def _violation(trial: Trial, objectives: Sequence[Objective]) -> float:
    """Return how far a trial is beyond its limits, each in units of the limit; what was not measured counts as within."""
    return sum(
        _beyond(o, o.limit, trial.metrics[o.metric]) for o in objectives if o.limit is not None and o.metric in trial.metrics
    )


def _beyond(objective: Objective, limit: float, value: float) -> float:
    if not math.isfinite(value):
        return math.inf
    return max(0.0, objective.sign * (limit - value)) / (abs(limit) or 1.0)
