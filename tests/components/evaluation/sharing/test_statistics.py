"""Whose statistics batch normalisation has."""

import pytest
import torch
from torch import Tensor, nn

from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.statistics import batch_statistics, own_statistics


def network() -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.5))
    with torch.no_grad():
        made.train()(torch.rand(8, 1, 6, 6))
    return made


def batches(n: int) -> list[Tensor]:
    return [torch.rand(4, 1, 6, 6, generator=torch.Generator().manual_seed(k)) for k in range(n)]


def test_statistics_of_its_own_are_the_means_over_the_batches_and_the_old_ones_come_back(cpu: Device) -> None:
    made, xs = network(), batches(5)
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    convolved = [made[0](x).transpose(0, 1).flatten(1) for x in xs]  # (C, B · H · W)
    with own_statistics(made, xs, cpu, "float32"):
        norm = made[1]
        assert torch.allclose(norm.running_mean, torch.stack([c.mean(1) for c in convolved]).mean(0), atol=1e-6)
        assert torch.allclose(norm.running_var, torch.stack([c.var(1) for c in convolved]).mean(0), atol=1e-6)
        assert not made[2].training
        assert not norm.training
    after = made.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert made[1].momentum == 0.1


def test_the_old_statistics_come_back_after_an_error(cpu: Device) -> None:
    made = network()
    before = made[1].running_mean.clone()
    with pytest.raises(RuntimeError), own_statistics(made, [torch.rand(4, 2, 6, 6)], cpu, "float32"):
        pass
    assert torch.equal(made[1].running_mean, before)


def test_a_batch_is_normalised_by_its_own_statistics_and_changes_none() -> None:
    made, (x,) = network(), batches(1)
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    with batch_statistics(made):
        y = made(x)
    assert torch.allclose(y.mean((0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(y.var((0, 2, 3), unbiased=False), torch.ones(3), atol=1e-2)
    assert all(torch.equal(before[name], tensor) for name, tensor in made.state_dict().items())
    assert not any(module.training for module in made)
    assert not torch.allclose(made(x), y)
