"""Hyperband."""

import pytest

from archsmith.strategies.rungs.hyperband import HyperbandConfig
from archsmith.testing.strategies import LadderConformance, Make


class TestHyperband(LadderConformance):
    @pytest.fixture
    def make(self) -> Make:
        return HyperbandConfig(eta=2).build
