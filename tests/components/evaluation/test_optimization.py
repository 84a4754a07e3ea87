import math

import pytest
import torch
from torch import nn

from archsmith.evaluation.optimization import make_optimizer, multiplier, share_of_span
from archsmith.models.blocks import ConvBlock, GlobalPool
from archsmith.spec import TrainingSpec

STEPS = 40


def test_cosine_is_that_of_torch() -> None:
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS)
    for step in range(STEPS + 1):
        assert multiplier("cosine", step / STEPS) == pytest.approx(reference.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        reference.step()


def test_warm_restarts_are_those_of_torch() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=1, T_mult=2)  # 1, then 2, then 4 epochs
    for step in range(7 * STEPS):
        at = step / STEPS
        reference.step(at)
        assert multiplier("cosine", share_of_span((1, 3, 7), at)) == pytest.approx(reference.get_last_lr()[0], abs=1e-9)


def test_the_last_span_ends_at_its_end() -> None:
    assert [share_of_span((4,), at) for at in (0, 1, 3.5, 4)] == [0, 0.25, 0.875, 1]
    assert share_of_span((1, 3), 3) == 1


def test_one_cycle_rises_in_a_line_over_a_fifth_of_the_steps_and_falls_as_a_cosine() -> None:
    rise = [0.04 + (1 - 0.04) * step / 8 for step in range(8)]
    fall = [(1 + math.cos(math.pi * k / 32)) / 2 for k in range(33)]
    assert [multiplier("one-cycle", step / STEPS) for step in range(STEPS + 1)] == pytest.approx(rise + fall, abs=1e-12)


def test_constant_stays() -> None:
    assert {multiplier("constant", step / STEPS) for step in range(STEPS + 1)} == {1.0}


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 1000])
def test_every_step_has_a_rate_above_zero_and_at_most_the_highest(schedule: str, steps: int) -> None:
    assert all(0 < multiplier(schedule, step / steps) <= 1 for step in range(steps))
    assert 0 <= multiplier(schedule, 1.0) <= 1


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_matrices_are_decayed_and_vectors_are_not(optimizer: str) -> None:
    network = nn.Sequential(ConvBlock(3, 8, 3, 1), GlobalPool(), nn.Linear(8, 2))
    network[2].weight.requires_grad_(False)
    made = make_optimizer(network, TrainingSpec.model_validate({"optimizer": optimizer, "weight_decay": 0.25}))
    decay = {id(p): group["weight_decay"] for group in made.param_groups for p in group["params"]}
    convolution, norm = network[0][0], network[0][1]
    assert decay == {
        id(convolution.weight): 0.25, id(norm.weight): 0.0, id(norm.bias): 0.0, id(network[2].bias): 0.0,
    }  # fmt: skip


def test_the_settings_reach_the_optimizer() -> None:
    network = nn.Linear(2, 2)
    sgd = make_optimizer(network, TrainingSpec(learning_rate=0.3, momentum=0.8))
    assert isinstance(sgd, torch.optim.SGD)
    assert all((g["lr"], g["momentum"], g["nesterov"]) == (0.3, 0.8, True) for g in sgd.param_groups)
    plain = make_optimizer(network, TrainingSpec(momentum=0.0))
    assert not any(g["nesterov"] for g in plain.param_groups)
    adamw = make_optimizer(network, TrainingSpec(optimizer="adamw", learning_rate=1e-3))
    assert isinstance(adamw, torch.optim.AdamW)


def test_a_step_of_sgd_is_that_of_the_closed_form() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 2.0)
    optimizer = make_optimizer(network, TrainingSpec(learning_rate=0.1, momentum=0.5, weight_decay=0.25))
    network.weight.grad = torch.full((1, 1), 3.0)
    optimizer.step()
    gradient = 3.0 + 0.25 * 2.0
    assert network.weight.item() == pytest.approx(2.0 - 0.1 * (gradient + 0.5 * gradient))  # Nesterov's first step
