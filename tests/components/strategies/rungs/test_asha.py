"""ASHA."""

import pytest

from archsmith.strategies.rungs.asha import ASHAConfig
from archsmith.testing.strategies import LadderConformance, Make


class TestASHA(LadderConformance):
    @pytest.fixture
    def make(self) -> Make:
        return ASHAConfig(eta=2).build
