"""The suite of trainings of shared weights, for those of relaxed choices."""

from collections.abc import Callable

import pytest

from archsmith.evaluation.sharing.relaxed.training import RelaxedTraining
from archsmith.testing.supernet_trainings import Begin, SupernetTrainingConformance


class TestRelaxed(SupernetTrainingConformance):
    @pytest.fixture
    def begin(self, begin: Callable[..., RelaxedTraining]) -> Begin:
        return lambda seed: begin(seed=seed, epochs=3, weights="gumbel", temperature=(2.0, 1.0))
