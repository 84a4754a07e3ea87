"""Random search."""

import numpy as np
import pytest
from scipy import stats

from archsmith.spaces.chain import ChainConfig
from archsmith.strategies import STRATEGIES
from archsmith.strategies.plain.random import RandomConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import ACCURACY, FULL, Make, StrategyConformance
from archsmith.values import History


class TestRandom(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return RandomConfig().build


def test_the_first_decision_is_uniform():
    problem = Problem(ChainConfig().build(), ACCURACY, FULL, budget=1000)
    asked = RandomConfig().build(problem).ask(History(), 1000, np.random.default_rng(0))
    _, counts = np.unique([p.architecture.choices[0] for p in asked], return_counts=True)
    assert len(counts) == 5
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_has_settings_with_a_description(name):
    schema = STRATEGIES[name].model_json_schema()
    assert schema["description"]
    assert all("description" in p for p in schema.get("properties", {}).values())
