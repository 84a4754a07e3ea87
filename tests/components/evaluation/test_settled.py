"""Settings of the training that an architecture has decided, all the way to the optimizer and the batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.retrain import InFull, retrain
from archsmith.evaluation.settled import settled
from archsmith.evaluation.train import TrainEstimator
from archsmith.spaces.chain import ChainConfig, ChainSpace
from archsmith.spec import TrainingSpec
from archsmith.testing.estimators import MemoryCheckpoints
from archsmith.values import Architecture, Fidelity, Proposal

SPACE = ChainConfig.model_validate({
    "layers": {"min": 1, "max": 1}, "operations": ["conv"], "filters": [8], "kernels": [3], "strides": [2],
    "dense_layers": {"min": 0, "max": 0},
    "training": {
        "optimizer": ["sgd", "adamw"], "learning_rate": [0.05, 0.003], "weight_decay": [0.0, 0.02],
        "batch_size": [16, 40], "augment": ["none", "flip+crop"],
    },
}).build()  # fmt: skip
SETTINGS = TrainingSpec(schedule="constant", learning_rate=7.0, momentum=0.5, batch_size=3)


def joint(**training: Any) -> Architecture:
    chosen = {"layers": 1, "op_1": "conv", "filters_1": 8, "kernel_1": 3, "stride_1": 2, "dense": 0}
    return SPACE.architecture(chosen | {f"training.{name}": value for name, value in training.items()})


FAST = joint(optimizer="sgd", learning_rate=0.05, weight_decay=0.0, batch_size=40, augment="none")
SLOW = joint(optimizer="adamw", learning_rate=0.003, weight_decay=0.02, batch_size=16, augment="flip+crop")
EXPECTED = [(FAST, torch.optim.SGD, 0.05, 0.0, 160 // 40), (SLOW, torch.optim.AdamW, 0.003, 0.02, 160 // 16)]
"""Architecture, optimizer, learning rate, weight decay, and steps of an epoch of 160 images."""


@contextmanager
def steps() -> Iterator[list[torch.optim.Optimizer]]:
    """Record the optimizer at each of its steps."""
    seen: list[torch.optim.Optimizer] = []
    hook = register_optimizer_step_pre_hook(lambda optimizer, *_: seen.append(optimizer))
    try:
        yield seen
    finally:
        hook.remove()


def test_what_is_not_decided_stays_as_the_search_file_has_it() -> None:
    expected = SETTINGS.model_copy(
        update={"optimizer": "adamw", "learning_rate": 0.003, "weight_decay": 0.02, "batch_size": 16, "augment": ("flip", "crop")}
    )
    assert settled(SETTINGS, SPACE, SLOW) == expected
    plain: ChainSpace = ChainConfig().build()
    assert settled(SETTINGS, plain, next(plain.enumerate())) == SETTINGS


@pytest.mark.parametrize(("architecture", "optimizer", "rate", "decay", "n_steps"), EXPECTED, ids=["fast", "slow"])
def test_estimation_trains_with_what_the_architecture_decides(
    few: Dataset, cpu: Device, architecture: Architecture, optimizer: type, rate: float, decay: float, n_steps: int
) -> None:
    estimator = TrainEstimator(few, SPACE, SETTINGS, cpu, MemoryCheckpoints(), limit_s=60, data_seed=0)
    with steps() as seen:
        trial = estimator.estimate(Proposal(architecture, Fidelity(1)), seed=0, progress=lambda _: None)
    assert trial.status == "complete", trial.error
    check(seen, optimizer, rate, decay, n_steps)


@pytest.mark.parametrize(("architecture", "optimizer", "rate", "decay", "n_steps"), EXPECTED, ids=["fast", "slow"])
def test_retraining_trains_with_what_the_architecture_decides(
    few: Dataset, cpu: Device, architecture: Architecture, optimizer: type, rate: float, decay: float, n_steps: int
) -> None:
    how = InFull(epochs=1, device=cpu, seed=0, checkpoints=MemoryCheckpoints(), key="k", progress=lambda *_: None)
    with steps() as seen:
        retrain(few, SPACE, architecture, SETTINGS, how)
    check(seen, optimizer, rate, decay, n_steps)


def check(seen: list[torch.optim.Optimizer], optimizer: type, rate: float, decay: float, n_steps: int) -> None:
    assert len(seen) == n_steps
    assert type(seen[0]) is optimizer
    weights, vectors = seen[0].param_groups
    assert weights["lr"] == vectors["lr"] == pytest.approx(rate)
    assert (weights["weight_decay"], vectors["weight_decay"]) == (decay, 0.0)


def test_proposals_that_differ_in_the_training_alone_differ_in_their_ids() -> None:
    assert Proposal(FAST, Fidelity(1)).id != Proposal(SLOW, Fidelity(1)).id


def test_an_augmentation_that_is_decided_changes_the_training(few: Dataset, cpu: Device) -> None:
    estimator = TrainEstimator(few, SPACE, SETTINGS, cpu, MemoryCheckpoints(), limit_s=60, data_seed=0)
    choices = {"optimizer": "sgd", "learning_rate": 0.05, "weight_decay": 0.0, "batch_size": 40}
    losses = [
        estimator.estimate(Proposal(joint(**choices, augment=a), Fidelity(1)), seed=0, progress=lambda _: None)
        .curve[0]
        .train_loss
        for a in ("none", "flip+crop", "none")
    ]
    assert losses[0] == losses[2] != losses[1]
