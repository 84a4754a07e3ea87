"""Fronts within limits, against the definition of constraint-domination."""

import math

import numpy as np

from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.strategies.fronts import constrained_fronts
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL
from archsmith.values import Proposal, Trial

SPACE = PlainSpace("digits", [Decision(f"d{k}", tuple(range(4))) for k in range(10)])
BOTH = (Objective(metric="accuracy", goal="maximize"), Objective(metric="n_params", goal="minimize"))
LIMITED = (*BOTH, Objective(metric="latency_s", limit=0.01))


def trials_of(*metrics):
    """Return trials with these metrics; None fails."""
    rng = np.random.default_rng(0)
    proposals = [Proposal(SPACE.sample(rng), FULL, number=k) for k in range(len(metrics))]
    return [
        Trial(p, "failed", error="OutOfMemoryError") if m is None else Trial(p, "complete", m)
        for p, m in zip(proposals, metrics, strict=True)
    ]


def measured(accuracy, n_params, latency_s=0.005):
    return {"accuracy": accuracy, "n_params": n_params, "latency_s": latency_s}


def test_constraint_domination_puts_the_feasible_first_then_the_least_violation_then_the_failed():
    trials = trials_of(
        measured(0.9, 10, 0.05),
        measured(0.1, 900),
        None,
        measured(0.2, 800),
        measured(0.9, 10, 0.02),
        measured(0.1, 10, 0.02),
        measured(math.nan, 10),
        measured(0.9, 10, math.nan),
    )
    front = constrained_fronts(trials, LIMITED).tolist()
    order = sorted(set(front))
    assert [order.index(f) for f in front] == [3, 1, 5, 0, 2, 2, 5, 4]


def test_violations_count_in_units_of_their_limits():
    objectives = (*ACCURACY, Objective(metric="n_params", limit=1000), Objective(metric="latency_s", limit=0.01))
    twice, thrice = {"accuracy": 0.5, "n_params": 2000, "latency_s": 0.01}, {"accuracy": 0.5, "n_params": 1, "latency_s": 0.03}
    front = constrained_fronts(trials_of(thrice, twice, {"accuracy": 0.5}), objectives)
    assert np.argsort(front).tolist() == [2, 1, 0]


def test_a_limit_of_an_objective_to_maximize_is_a_lower_one():
    objectives = (Objective(metric="accuracy", goal="maximize", limit=0.5), BOTH[1])
    front = constrained_fronts(trials_of(measured(0.4, 1), measured(0.5, 1000), measured(0.1, 1)), objectives)
    assert np.argsort(front).tolist() == [1, 0, 2]
