from collections.abc import Set
from dataclasses import replace

import pytest
import torch

from archsmith.evaluation.config import ZeroCostConfig
from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.device import Device
from archsmith.evaluation.zero_cost import ZeroCostEstimator
from archsmith.models.cost import cost_of
from archsmith.spaces.chain import ChainSpace
from archsmith.testing.estimators import EstimatorConformance, Make
from archsmith.values import Architecture, Fidelity, Proposal, Trial


@pytest.fixture
def estimator(few: Dataset, space: ChainSpace, cpu: Device) -> ZeroCostEstimator:
    return ZeroCostEstimator(few, space, "naswot", batch_size=16, device=cpu, data_seed=0)


def estimate(estimator: ZeroCostEstimator, architecture: Architecture, *, seed: int = 0, **fidelity: float) -> Trial:
    return estimator.estimate(Proposal(architecture, Fidelity(1, **fidelity)), seed=seed, progress=lambda _: None)


class TestZeroCostEstimator(EstimatorConformance):
    @pytest.fixture
    def make(self, estimator: ZeroCostEstimator) -> Make:
        return lambda _: estimator

    @pytest.fixture
    def bad(self, estimator: ZeroCostEstimator, few: Dataset) -> Make:
        """All images are the same, so that no network can tell them apart."""
        same = Images(torch.zeros_like(few.train.images), few.train.labels)
        return lambda _: replace(estimator, dataset=replace(few, train=same))

    @pytest.fixture
    def proposal(self, architecture: Architecture) -> Proposal:
        return Proposal(architecture, Fidelity(1))

    @pytest.fixture
    def measured(self) -> Set[str]:
        return ZeroCostConfig(score="naswot").measures(buildable=True)


def test_weights_are_drawn_by_the_seed(estimator: ZeroCostEstimator, architecture: Architecture) -> None:
    snip = replace(estimator, score="snip")
    first, same, other = (estimate(snip, architecture, seed=seed).metrics["snip"] for seed in (1, 1, 2))
    assert first == same != other


def test_a_fidelity_makes_the_network_and_its_images_smaller(estimator: ZeroCostEstimator, deep: Architecture) -> None:
    whole = estimate(estimator, deep)
    for name in ("width", "depth", "resolution"):
        smaller = estimate(estimator, deep, **{name: 0.5})
        assert smaller.metrics["naswot"] != whole.metrics["naswot"]
        assert smaller.metrics["n_params"] == whole.metrics["n_params"]


def test_a_score_that_all_trials_have_is_of_the_whole_network(
    estimator: ZeroCostEstimator, few: Dataset, space: ChainSpace, architecture: Architecture
) -> None:
    trial = estimate(replace(estimator, score="n_params"), architecture, width=0.5)
    assert trial.metrics["n_params"] == cost_of(space, architecture, few.input_shape, few.n_classes).n_params
