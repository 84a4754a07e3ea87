"""What trials say in numbers."""

import math
from dataclasses import replace

import numpy as np

from archsmith.spec import Objective
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.bayesian.measurements import Measurements
from archsmith.strategies.ranking import keeps_measured_limits
from archsmith.testing.strategies import ACCURACY, small_problem
from archsmith.values import Fidelity, Proposal, Trial

FAST = Objective(metric="latency_s", limit=0.5)
SIZE = Objective(metric="n_params", goal="minimize", limit=100)
SPACE = small_problem().space
ARCHITECTURES = list(SPACE.enumerate())


def measurements(objectives, *metrics):
    """Return the measurements of trials with these metrics; None fails."""
    problem = replace(small_problem(), objectives=objectives)
    known = Measurements(problem, Codes(SPACE))
    for trial in trials_of(*metrics):
        known.add(trial)
    return known


def trials_of(*metrics):
    proposals = [Proposal(a, small_problem().fidelity) for a in ARCHITECTURES]
    return [
        Trial(p, "complete", m) if m is not None else Trial(p, "failed", error="OutOfMemoryError")
        for p, m in zip(proposals, metrics, strict=False)
    ]


def test_the_best_come_first_and_what_breaks_a_limit_last_and_what_has_failed_is_only_known_to_have():
    metrics = [
        {"accuracy": 0.5, "latency_s": 0.1},
        {"accuracy": 0.9, "latency_s": 0.6},
        None,
        {"accuracy": 0.7, "latency_s": 0.5},
        {"accuracy": math.nan, "latency_s": 0.1},
    ]
    known = measurements((*ACCURACY, FAST), *metrics)
    assert known.order(3).tolist() == [2, 0, 1]
    assert known.order(2).tolist() == [0, 1]
    assert known.codes.encode([ARCHITECTURES[k] for k in (0, 1, 3)]).tolist() == np.array(known.rows).tolist()
    assert known.outcomes()[1].tolist() == [True, True, False, True, False]
    assert len(known.met) == 5


def test_a_trial_is_feasible_if_it_keeps_the_limits():
    metrics = [{"accuracy": 0.5, "latency_s": s} for s in (0.4, 0.5, 0.6, math.nan)] + [{"accuracy": 0.1}]
    known = measurements((*ACCURACY, FAST), *metrics)
    expected = [True, True, False, True, True]
    assert known.feasible(np.arange(5)).tolist() == expected
    # The other strategies tell it alike, where a number was measured.
    finite = (0, 1, 2, 4)
    assert [keeps_measured_limits(trials_of(*metrics)[k], (*ACCURACY, FAST)) for k in finite] == [expected[k] for k in finite]


def test_there_is_a_target_for_each_goal_and_each_limit_that_only_training_can_tell():
    metrics = [{"accuracy": a, "n_params": n, "latency_s": s} for a, n, s in [(0.5, 10, 0.1), (0.7, 50, 0.7), (0.2, 20, 0.5)]]
    known = measurements((*ACCURACY, SIZE, FAST), *metrics)
    targets = known.targets(np.arange(3))
    assert targets.shape == (3, 3)
    assert np.argsort(targets[:, 0]).tolist() == [1, 0, 2]
    assert np.argsort(targets[:, 1]).tolist() == [0, 2, 1]
    assert np.sign((targets[:, 2] - known.highest(np.arange(3))).round(12)).tolist() == [-1, 1, 0]


def test_with_two_goals_no_trial_comes_before_one_that_dominates_it():
    rng = np.random.default_rng(0)
    metrics = [{"accuracy": float(a), "n_params": float(n)} for a, n in rng.random((20, 2))]
    order = measurements((*ACCURACY, SIZE), *metrics).order(20).tolist()
    for k, later in enumerate(order):
        for earlier in order[:k]:
            a, b = metrics[later], metrics[earlier]
            assert not (a["accuracy"] > b["accuracy"] and a["n_params"] < b["n_params"])


def test_trials_at_another_fidelity_are_left_out():
    known = measurements(ACCURACY, {"accuracy": 0.5})
    known.add(Trial(Proposal(ARCHITECTURES[1], Fidelity(epochs=1)), "complete", {"accuracy": 0.9}))
    assert len(known.rows) == len(known.met) == len(known.tried) == 1
