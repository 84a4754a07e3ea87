import pytest

from archsmith.evaluation.stopping.svr import SVRConfig
from archsmith.testing.stoppers import StopperConformance


class TestSVR(StopperConformance):
    @pytest.fixture
    def config(self) -> SVRConfig:
        return SVRConfig()
