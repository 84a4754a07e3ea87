"""BOHB."""

import numpy as np
import pytest

from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.strategies.rungs.bohb import BOHBConfig, KernelDensities
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import ACCURACY, LadderConformance, Make, measured_by, one_max, search
from archsmith.values import Fidelity, History, Proposal


class TestBOHB(LadderConformance):
    @pytest.fixture
    def make(self) -> Make:
        return BOHBConfig(eta=2, points=4).build


def problem_at(epochs: int) -> Problem:
    return Problem(NasBench201Config().build(), ACCURACY, Fidelity(epochs), budget=20)


def measured(n: int, problem: Problem, seed: int = 0) -> History:
    """Return `n` random trials, which are the better the more of their operations are the last one."""
    rng = np.random.default_rng(seed)
    proposals = [Proposal(problem.space.sample(rng), problem.fidelity, number=k) for k in range(n)]
    return History(tuple(map(measured_by(lambda a: one_max(problem.space, a)), proposals)))


def test_there_is_no_model_below_two_more_trials_than_its_points():
    problem = problem_at(9)
    for n, modelled in ((8, False), (9, True)):  # N_min is one more than the six decisions, and there must be N_min + 2
        asked = KernelDensities(problem, BOHBConfig(random_fraction=0), 7).ask(measured(n, problem), 20, np.random.default_rng(0))
        assert any("kernel densities" in p.reason for p in asked) == modelled


def test_the_share_at_random_is_the_random_fraction():
    problem = problem_at(9)
    for fraction in (0.0, 1 / 3, 1.0):
        model = KernelDensities(problem, BOHBConfig(random_fraction=fraction), 7)
        asked = model.ask(measured(40, problem), 120, np.random.default_rng(0))
        share = np.mean([p.reason == "random" for p in asked])
        assert share == pytest.approx(fraction, abs=4 * np.sqrt(fraction * (1 - fraction) / 120))


def test_what_the_model_proposes_is_better_than_what_it_was_made_from():
    problem = problem_at(9)
    history = measured(60, problem)
    asked = KernelDensities(problem, BOHBConfig(random_fraction=0), 7).ask(history, 30, np.random.default_rng(0))
    proposed = [one_max(problem.space, p.architecture) for p in asked]
    assert np.mean(proposed) > np.mean([t.metrics["accuracy"] for t in history]) + 0.2


def test_the_model_is_asked_as_soon_as_the_lowest_rung_has_enough_results():
    problem = problem_at(27)
    strategy = BOHBConfig(random_fraction=0).build(problem)
    history = search(strategy, measured_by(lambda a: one_max(problem.space, a)), rounds=range(12), size=1)
    assert ["kernel densities" in t.proposal.reason for t in history] == [False] * 9 + [True] * 3
