"""Freeze-thaw, as a strategy."""

import pytest

from archsmith.strategies.rungs.freeze_thaw import FreezeThawConfig
from archsmith.testing.strategies import LadderConformance, Make
from archsmith.values import Fidelity


class TestFreezeThaw(LadderConformance):
    ladder = tuple(map(Fidelity, (1, 2, 3, 4)))

    @pytest.fixture
    def make(self) -> Make:
        return FreezeThawConfig(draws=128).build
