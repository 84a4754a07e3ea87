"""Bayesian optimisation: both surrogates pass the suite of strategies, and do what they are for."""

import pytest

from archsmith.strategies.bayesian import BayesianConfig
from archsmith.testing.strategies import Make, StrategyConformance


class TestBayesianWithAProcess(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return BayesianConfig(startup=4).build


class TestBayesianWithAnEnsemble(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return BayesianConfig(surrogate="ensemble", startup=4).build
