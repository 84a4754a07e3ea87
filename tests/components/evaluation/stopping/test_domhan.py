import pytest

from archsmith.evaluation.stopping.domhan import DomhanConfig
from archsmith.testing.stoppers import StopperConformance


class TestDomhan(StopperConformance):
    @pytest.fixture
    def config(self) -> DomhanConfig:
        return DomhanConfig(shapes=1000)
