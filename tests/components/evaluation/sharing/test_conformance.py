"""The suite of trainings of shared weights, for those of sampled architectures."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.sampled import SampledTraining
from archsmith.spaces.chain import ChainConfig
from archsmith.spec.supernets import Sampled
from archsmith.testing.supernet_trainings import Begin, SupernetTrainingConformance

CHAIN = ChainConfig.model_validate({"layers": {"min": 1, "max": 2}, "filters": [4, 8], "kernels": [3]}).build()


class TestUniform(SupernetTrainingConformance):
    settings = Sampled(3)

    @pytest.fixture
    def begin(self, ground: Callable[..., Ground]) -> Begin:
        return lambda seed: SampledTraining(self.settings, ground(CHAIN, batch_size=32, seed=seed))


class TestPolicy(TestUniform):
    settings = replace(Sampled(3, "policy"), policy_batch=3, policy_updates=2)
