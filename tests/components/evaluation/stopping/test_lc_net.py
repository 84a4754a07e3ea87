import pytest

from archsmith.evaluation.stopping.lc_net import LCNetConfig
from archsmith.testing.stoppers import StopperConformance


class TestLCNet(StopperConformance):
    @pytest.fixture
    def config(self) -> LCNetConfig:
        return LCNetConfig(networks=2, units=8)
