"""REINFORCE as a strategy; its gradient is tested with the controller."""

import pytest

from archsmith.spaces.decisions import Decision
from archsmith.strategies.policy.reinforce import ReinforceConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.testing.strategies import ACCURACY, FULL, Make, StrategyConformance, measured_by, one_max, search

PARTLY_DECIDED = PlainSpace("partly", [Decision("only", (1,)), Decision("a", (1, 2)), Decision("also", ("x",), {"a": (2,)})])


class TestReinforce(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return ReinforceConfig().build


class TestReinforceLearningFromEachTrial(StrategyConformance):
    @pytest.fixture
    def make(self) -> Make:
        return ReinforceConfig(batch=1, entropy=0.0).build


def test_decisions_with_one_choice_are_no_trouble():
    strategy = ReinforceConfig(batch=1).build(Problem(PARTLY_DECIDED, ACCURACY, FULL, budget=2))
    history = search(strategy, measured_by(lambda a: one_max(PARTLY_DECIDED, a)), rounds=range(3), size=1)
    assert {t.proposal.architecture for t in history} == set(PARTLY_DECIDED.enumerate())
