"""Successive halving."""

import pytest

from archsmith.strategies.rungs.successive_halving import SuccessiveHalvingConfig
from archsmith.testing.strategies import LadderConformance, Make


class TestSuccessiveHalving(LadderConformance):
    @pytest.fixture
    def make(self) -> Make:
        return SuccessiveHalvingConfig(eta=2).build
