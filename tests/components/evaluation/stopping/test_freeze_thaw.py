import pytest

from archsmith.evaluation.stopping.freeze_thaw import FreezeThawConfig
from archsmith.testing.stoppers import StopperConformance


class TestFreezeThaw(StopperConformance):
    @pytest.fixture
    def config(self) -> FreezeThawConfig:
        return FreezeThawConfig()
