"""What a search file's relaxation weighs as cost, on the mixed network of a real space."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from torch import nn

from archsmith.errors import DataError
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.make import make_training
from archsmith.evaluation.sharing.relaxed.make import make_relaxed
from archsmith.evaluation.sharing.training import SupernetTraining
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import DARTS
from archsmith.values import Fidelity

LatencyOf = Callable[[nn.Module, tuple[int, ...]], float]


@pytest.fixture
def make(few: Dataset, cpu: Device) -> Callable[..., SupernetTraining]:
    """Make a training on a few digits, at half the width of the network."""

    def training(latency_of: LatencyOf | None, **settings: object) -> SupernetTraining:
        return make_training(
            replace(DARTS, epochs=1, alpha_rate=0.3, **settings),  # type: ignore[arg-type]
            space=NasBench201Config(channels=8, cells=1).build(),
            dataset=few,
            fidelity=Fidelity(1, width=0.5, resolution=0.5),
            training=TrainingSpec(batch_size=16),
            device=cpu,
            seed=0,
            latency_of=latency_of,
        )

    return training


def test_options_that_take_long_become_improbable(make: Callable[..., SupernetTraining]) -> None:
    asked: list[tuple[int, ...]] = []

    def latency_of(module: nn.Module, shape: tuple[int, ...]) -> float:
        asked.append(shape)
        return float(any(isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1) for m in module.modules()))

    (record,) = make(latency_of, price="latency_s", cost=100.0).run()
    assert all(shares["nor_conv_1x1"] == min(shares.values()) < 0.1 for shares in record.probabilities.values())
    # What counts is the network that would be deployed, of all channels and on whole images.
    assert {shape for shape in asked if len(shape) == 3} == {(1, 8, 8), (8, 8, 8), (16, 4, 4), (32, 2, 2)}


def test_a_training_that_weighs_latency_has_to_know_it(make: Callable[..., SupernetTraining]) -> None:
    with pytest.raises(ValueError, match="nothing says how long options take"):
        make(None, price="latency_s", cost=1.0)


def test_the_file_says_the_rates_of_sgd_alone_and_its_other_settings_are_for_what_is_trained_alone(
    few: Dataset, cpu: Device
) -> None:
    ground = partial(Ground.of, NasBench201Config(channels=8, cells=1).build(), few, fidelity=Fidelity(1), device=cpu, seed=0)
    ours = make_relaxed(DARTS, ground(training=TrainingSpec(batch_size=16, learning_rate=0.3, augment=["crop"])))
    assert [group["lr"] for group in ours._learner.of_weights.param_groups] == [0.3]
    assert [part._augment for part in (ours._images.weights, ours._images.plain)] == [("crop",), ()]
    other = make_relaxed(DARTS, ground(training=TrainingSpec(batch_size=16, learning_rate=0.001, optimizer="adamw")))
    assert [group["lr"] for group in other._learner.of_weights.param_groups] == [DARTS.learning_rate]


def test_a_share_of_the_images_that_leaves_too_few_is_named(few: Dataset, cpu: Device) -> None:
    space = NasBench201Config(channels=8, cells=1).build()
    ground = Ground.of(space, few, fidelity=Fidelity(1, data=0.01), training=TrainingSpec(batch_size=16), device=cpu, seed=0)
    with pytest.raises(DataError, match=r"`estimation\.data` is 0\.01, which leaves too little to train on\. The class"):
        make_relaxed(DARTS, ground)
