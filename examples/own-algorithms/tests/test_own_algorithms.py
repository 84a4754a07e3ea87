"""The suites that Archsmith's own algorithms pass, on ours."""

from collections.abc import Set

import numpy as np
import pytest
from own_algorithms.class_means import ClassMeansConfig

from archsmith.evaluation.data import Dataset, load
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.given import Given
from archsmith.evaluation.stopping import INSTALLED as STOPPERS
from archsmith.evaluation.stopping.stopper import StopperConfig
from archsmith.search import parse
from archsmith.spec import DataSpec
from archsmith.strategies import INSTALLED as STRATEGIES
from archsmith.testing.estimators import EstimatorConformance, Make, MemoryCheckpoints
from archsmith.testing.searches import TINY
from archsmith.testing.stoppers import StopperConformance
from archsmith.testing.strategies import Make as MakeStrategy
from archsmith.testing.strategies import StrategyConformance, small_problem
from archsmith.values import Fidelity, History, Proposal, Trial

SEARCH = parse(TINY)


class TestAnnealing(StrategyConformance):
    @pytest.fixture
    def make(self) -> MakeStrategy:
        return STRATEGIES["annealing"]().build


class TestLastValue(StopperConformance):
    @pytest.fixture
    def config(self) -> StopperConfig:
        return STOPPERS["last-value"].model_validate({"chance": 0.1})


class TestClassMeans(EstimatorConformance):
    @pytest.fixture
    def proposal(self) -> Proposal:
        return Proposal(next(SEARCH.space.enumerate()), Fidelity(1))

    @pytest.fixture
    def make(self) -> Make:
        return lambda checkpoints: estimator(checkpoints, load(DataSpec(name="digits"), seed=0))

    @pytest.fixture
    def bad(self) -> Make:
        data = load(DataSpec(name="digits"), seed=0)
        data.train.images.zero_()  # no class differs from another one
        return lambda checkpoints: estimator(checkpoints, data)

    @pytest.fixture
    def measured(self) -> Set[str]:
        return ClassMeansConfig().measures(buildable=True)


def estimator(checkpoints: MemoryCheckpoints, data: Dataset) -> object:
    """Make the estimator as a step does."""
    device = choose_device(gpu=0, fallback="cpu")
    given = Given(SEARCH.space, SEARCH.spec, Fidelity(1), checkpoints, lambda: data, lambda: device)
    return ClassMeansConfig(images=64).build(given)


def test_annealing_takes_a_step_up_and_none_far_down() -> None:
    problem = small_problem()
    space, strategy = problem.space, STRATEGIES["annealing"].model_validate({"warmth": 0.01}).build(problem)
    first, second, third = (space.at(k) for k in range(3))
    trials = [
        Trial(Proposal(a, problem.fidelity, number=k), "complete", {"accuracy": accuracy})
        for k, (a, accuracy) in enumerate(((first, 0.5), (second, 0.9), (third, 0.1)))
    ]
    asked = strategy.ask(History(tuple(trials)), 4, np.random.default_rng(0))
    assert {p.reason for p in asked} == {"a step from trial 1"}
