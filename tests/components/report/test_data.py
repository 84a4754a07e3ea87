"""What follows from a report's data."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from archsmith.report import ReportData
from archsmith.report.page import render
from archsmith.report.pictures import drawn
from archsmith.report.pictures.decisions import decision_effects
from archsmith.selection import ranked
from archsmith.values import Fidelity, Stop, Trial

Make = Callable[..., ReportData]
MakeTrial = Callable[..., Trial]
STOP = Stop(1, "median", 0.1, 0.0)
OBJECTIVES = ({"metric": "accuracy", "goal": "maximize"}, {"metric": "n_params", "limit": 1000.0})


def test_trials_within_the_limits_come_before_better_ones_that_are_not(search: Make, trial: MakeTrial) -> None:
    big = trial(0, metrics={"accuracy": 0.99, "n_params": 5000.0})
    small = trial(1, metrics={"accuracy": 0.70, "n_params": 900.0})
    assert search(0, others=[big, small], objectives=OBJECTIVES).ranked == (small, big)


def test_of_equally_good_trials_the_smaller_one_comes_first(search: Make, trial: MakeTrial) -> None:
    big = trial(0, metrics={"accuracy": 0.7, "n_params": 900.0})
    small = trial(1, metrics={"accuracy": 0.7, "n_params": 800.0})
    assert search(0, others=[big, small]).ranked == (small, big)


def test_a_trial_whose_metric_is_no_number_comes_last(search: Make, trial: MakeTrial) -> None:
    broken = trial(0, metrics={"accuracy": math.nan})
    poor = trial(1, metrics={"accuracy": 0.01})
    assert search(0, others=[broken, poor]).ranked == (poor, broken)


@pytest.mark.parametrize("seed", range(5))
def test_time_of_search_counts_each_busy_second_once(search: Make, trial: MakeTrial, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spans = [
        (int(begin), int(begin + length)) for begin, length in zip(rng.integers(0, 60, 9), rng.integers(0, 9, 9), strict=True)
    ]
    trials = [trial(i, finished_at=float(end), seconds=float(end - begin)) for i, (begin, end) in enumerate(spans)]
    found = search(0, others=trials).finished_s
    for t, (_, end) in zip(trials, spans, strict=True):
        busy = {second for b, e in spans for second in range(b, e) if second < end}
        assert found[t.id] == len(busy)


def test_the_first_of_the_leaderboard_is_the_one_that_is_selected(search, trial):
    objectives = [*OBJECTIVES[:1], {"metric": "latency_s", "goal": "minimize"}]
    metrics = {"accuracy": 0.9, "loss": 1.0, "flops": 1e6}
    cheap = trial(1, metrics={**metrics, "n_params": 1e3, "latency_s": 2e-3})
    quick = trial(2, metrics={**metrics, "n_params": 9e3, "latency_s": 1e-3})
    data = search(0, others=[cheap, quick], objectives=objectives)
    assert data.ranked == tuple(ranked(data.history, data.spec.objectives)) == (cheap, quick)


def test_trials_compare_with_those_of_their_fidelity_and_the_picture_says_which(search: Make, trial: MakeTrial) -> None:
    def at(number: int, epochs: int, **changes: object) -> Trial:
        made = trial(number, **changes)
        return replace(made, proposal=replace(made.proposal, fidelity=Fidelity(epochs)))

    rungs = [at(k, 1) for k in range(30)] + [at(50 + k, 3) for k in range(9)]
    stopped = [at(60 + k, 1, status="stopped", stop=STOP) for k in range(30)]
    data = search(0, others=rungs + stopped)
    assert data.compared == tuple(rungs[:30])
    (axes,) = decision_effects(data).axes
    assert axes.get_xlabel().split("\n")[1].startswith("dotted: the mean of all trials at 1 epoch, ")
    equal = search(0, others=rungs[:9] + rungs[30:])
    assert {t.proposal.fidelity.epochs for t in equal.compared} == {3}
    alone = search(0, others=rungs[:30])
    assert (alone.compared, alone.compared_at) == (tuple(rungs[:30]), "")
    assert (search(0).compared, search(0).compared_at) == ((), "")


def test_what_goals_keep_low_is_drawn_whatever_it_is_called(search: Make, trial: MakeTrial) -> None:
    objectives = [OBJECTIVES[0], *({"metric": m, "goal": "minimize"} for m in ("weights_mb", "n_params"))]
    trials = [trial(k, metrics={"accuracy": 0.5 + 0.1 * k, "n_params": 1.0 + k, "weights_mb": 2.0 + k}) for k in range(3)]
    data = search(0, others=[*trials], objectives=[*objectives, {"metric": "f1", "goal": "maximize"}])
    assert data.costs == ("n_params", "latency_s", "weights_mb")
    page = render(data)
    for name, cost in (("n-params", "parameters"), ("latency", "latency"), ("weights-mb", "weights_mb")):
        assert f'aria-label="Accuracy against {cost}" data-picture="pareto-{name}"' in page
    assert "pareto-weights-mb" in drawn(data)
