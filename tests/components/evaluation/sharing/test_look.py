"""Looks at architectures with shared weights."""

from collections.abc import Callable, Set
from typing import Any

import numpy as np
import pytest
import torch

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.bank import make_bank
from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.look import Looker, SupernetEstimator
from archsmith.evaluation.sharing.make import make_looks, make_training
from archsmith.evaluation.train import TrainEstimator
from archsmith.models import build
from archsmith.spaces.chain import ChainConfig
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import Sampled
from archsmith.testing.estimators import EstimatorConformance, Make, MemoryCheckpoints
from archsmith.values import Architecture, Fidelity, Proposal
from archsmith.values.metrics import METRICS
from archsmith.values.proposals import SHARED

SPACE = ChainConfig.model_validate({"layers": {"min": 1, "max": 2}, "filters": [4, 8], "kernels": [3]}).build()
SETTINGS = Sampled(2, statistics=3)


@pytest.fixture(scope="module")
def given(tiny: Dataset, cpu: Device) -> dict[str, Any]:
    training = TrainingSpec(batch_size=16)
    return {"space": SPACE, "dataset": tiny, "fidelity": Fidelity(2), "training": training, "device": cpu, "seed": 0}


@pytest.fixture(scope="module")
def left(given: dict[str, Any]) -> dict[str, Any]:
    training = make_training(SETTINGS, **given)
    list(training.run())
    return training.state()


@pytest.fixture
def looks(given: dict[str, Any], left: dict[str, Any]) -> SupernetEstimator:
    return make_looks(SETTINGS, left, **given)


class TestSupernetEstimator(EstimatorConformance):
    goes_on = False

    @pytest.fixture
    def make(self, looks: SupernetEstimator) -> Make:
        return lambda checkpoints: looks

    @pytest.fixture
    def bad(self, given: dict[str, Any], left: dict[str, Any]) -> Make:
        broken = {key: torch.full_like(tensor, float("nan")) for key, tensor in left["bank"]["parameters"].items()}
        made = make_looks(SETTINGS, {"bank": {**left["bank"], "parameters": broken}}, **given)
        return lambda checkpoints: made

    @pytest.fixture
    def proposal(self) -> Proposal:
        return Proposal(SPACE.sample(np.random.default_rng(0)), Fidelity(2), SHARED)

    @pytest.fixture
    def measured(self) -> Set[str]:
        return METRICS.keys()


def look(looks: SupernetEstimator, architecture: Architecture, seed: int = 0) -> dict[str, float]:
    return looks.estimate(Proposal(architecture, Fidelity(2), SHARED), seed=seed, progress=lambda _: None).metrics  # type: ignore[return-value]


def test_what_was_looked_at_before_changes_nothing(given: dict[str, Any], left: dict[str, Any], looks: SupernetEstimator) -> None:
    rng = np.random.default_rng(1)
    architectures = [SPACE.sample(rng) for _ in range(5)]
    there = [look(looks, a) for a in architectures]
    other = make_looks(SETTINGS, left, **given)
    back = [look(other, a, seed=9) for a in reversed(architectures)]
    assert [(m["accuracy"], m["loss"]) for m in there] == [(m["accuracy"], m["loss"]) for m in reversed(back)]
    assert len({m["loss"] for m in there}) > 1


def test_a_look_is_the_accuracy_of_the_network_alone_with_statistics_of_its_own(
    looks: SupernetEstimator,
) -> None:
    architecture = SPACE.sample(np.random.default_rng(2))
    dataset = looks.ground.dataset
    bank = looks.looker._bank
    alone = build(SPACE, architecture, (1, 8, 8), 10, fidelity=Fidelity(1), mean=dataset.mean, std=dataset.std)
    alone.load_state_dict(bank.extract(architecture))
    alone.to(memory_format=torch.channels_last)
    torch.optim.swa_utils.update_bn(looks.looker._images(), alone)
    x, y = dataset.validation.images.float() / 255, dataset.validation.labels
    with torch.no_grad():
        logits = alone.eval()(x.to(memory_format=torch.channels_last))
    found = look(looks, architecture)
    assert found["accuracy"] == pytest.approx((logits.argmax(1) == y).float().mean().item())
    assert found["loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, y).item(), rel=1e-5)
    assert len(list(looks.looker._images())) == 3


def test_what_a_network_costs_is_the_same_as_where_it_is_trained(looks: SupernetEstimator, tiny: Dataset, cpu: Device) -> None:
    architecture = SPACE.sample(np.random.default_rng(3))
    trains = TrainEstimator(tiny, SPACE, TrainingSpec(batch_size=16), cpu, MemoryCheckpoints(), limit_s=60, data_seed=0)
    trained = trains.estimate(Proposal(architecture, Fidelity(1)), seed=0, progress=lambda _: None).metrics
    found = look(looks, architecture)
    assert all(found[name] == trained[name] for name in ("n_params", "flops", "peak_memory_mb"))
    assert found.keys() == trained.keys()


def test_a_look_leaves_the_weights_and_their_statistics(looks: SupernetEstimator) -> None:
    bank, architecture = looks.looker._bank, SPACE.sample(np.random.default_rng(4))
    before = bank.extract(architecture)
    look(looks, architecture)
    after = bank.extract(architecture)
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.cluster  # for its length; it needs none
def test_training_makes_looks_better(given: dict[str, Any], digits: Dataset) -> None:
    space = ChainConfig.model_validate(
        {
            "layers": {"min": 2, "max": 2},
            "operations": ["conv"],
            "filters": [16],
            "kernels": [3],
            "strides": [1, 2],
            "dense_layers": {"min": 0, "max": 0},
        }
    ).build()
    made = given | {"space": space, "dataset": digits}
    training = make_training(Sampled(3), **made)
    begin, rng = make_looks(Sampled(3), training.state(), **made), np.random.default_rng(0)
    list(training.run())
    end, architecture = make_looks(Sampled(3), training.state(), **made), space.sample(rng)
    (_, worse), (_, better) = (one.looker.look(architecture) for one in (begin, end))
    assert worse < 0.3
    assert better > 0.5


def test_a_looker_sees_weights_that_are_still_trained(ground: Callable[..., Ground]) -> None:
    made = ground(SPACE)
    bank = make_bank(SETTINGS, made)
    looker, architecture = Looker(SETTINGS, made, bank), SPACE.sample(np.random.default_rng(5))
    before = looker.look(architecture)
    for one in bank.touched(architecture):
        one.parameter.data += 0.1
    assert looker.look(architecture) != before
