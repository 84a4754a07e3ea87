"""Gradients of the choices against algebra and against central differences, in float64."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.relaxed.gradients import Gradients
from archsmith.evaluation.sharing.relaxed.supernet import Supernet
from archsmith.evaluation.sharing.relaxed.unrolled import step_ahead, unrolled
from archsmith.models.mixed.network import Mix, Mixed
from archsmith.spec import TrainingSpec


@pytest.fixture
def gradients(cpu: Device) -> Gradients:
    return Gradients(cpu.scaler("float32"))


@pytest.mark.parametrize(
    ("xi", "hessian", "end"), [(0.0, "exact", 2.0), (0.5, "exact", 1.0), (0.5, "difference", 1.0), (0.25, "exact", 4 / 3)]
)
def test_figure_2_of_darts_ends_where_algebra_says(xi: float, hessian: Any, end: float, gradients: Gradients) -> None:
    """With w at the minimum of the training loss, w = a, and the gradient by a after a step ahead, w - 2 + 2 xi a, vanishes."""
    a, w = torch.tensor(2.0, dtype=torch.float64, requires_grad=True), torch.tensor(-2.0, dtype=torch.float64, requires_grad=True)

    def train(weights: Sequence[Tensor]) -> Tensor:
        return weights[0] ** 2 - 2 * weights[0] * a + a**2

    def validation(weights: Sequence[Tensor]) -> Tensor:
        return a * weights[0] - 2 * a + 1

    ahead, inner = torch.optim.SGD([w], lr=xi), torch.optim.SGD([w], lr=0.25)
    for _ in range(300):
        slope = unrolled(train, validation, a, ahead, gradients, hessian=hessian)
        with torch.no_grad():
            a -= 0.25 * slope
        inner.zero_grad()
        train([w]).backward()
        inner.step()
    assert end == 2 / (1 + 2 * xi)
    assert a.item() == pytest.approx(end, abs=1e-9)
    assert w.item() == pytest.approx(end, abs=1e-9)


OPTIMIZERS = {
    "plain": {"lr": 0.5},
    "momentum": {"lr": 0.5, "momentum": 0.9},
    "momentum and decay": {"lr": 0.5, "momentum": 0.9, "weight_decay": 0.1},
    "looking ahead": {"lr": 0.5, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
}


class Problem:
    """A tiny network with batch normalisation in training mode, some steps into its training, and two batches."""

    def __init__(self, network: Mixed, cpu: Device, options: dict[str, Any], steps: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.network = network.double().train()
        self.supernet = Supernet(self.network, cpu, TrainingSpec())
        self.choices = torch.randn(9, generator=generator, dtype=torch.float64).softmax(0).requires_grad_()
        self.batches = [
            (torch.rand(6, 1, 5, 5, generator=generator, dtype=torch.float64), torch.randint(3, (6,), generator=generator))
            for _ in range(2)
        ]
        self.optimizer = torch.optim.SGD(self.supernet.weights, **options)
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.loss(0).backward()
            self.optimizer.step()

    def loss(self, batch: int, weights: Sequence[Tensor] | None = None) -> Tensor:
        with self.supernet.statistics_left_alone():
            return self.supernet.loss(self.batches[batch], self.mixes(self.choices), weights)

    def mixes(self, choices: Tensor) -> dict[str, Mix]:
        return {p.name: Mix(part, (0, 1, 2)) for p, part in zip(self.network.points, choices.split(3), strict=True)}

    def after_a_real_step(self, choices: Tensor) -> float:
        """Return the validation loss after a step of torch's own optimizer, on copies."""
        network = copy.deepcopy(self.network)
        optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))
        mixes = self.mixes(choices.detach())
        optimizer.zero_grad()
        F.cross_entropy(network(self.batches[0][0], mixes), self.batches[0][1]).backward()
        optimizer.step()
        with torch.no_grad():
            return F.cross_entropy(network(self.batches[1][0], mixes), self.batches[1][1]).item()


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("options", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_second_order_agrees_with_central_differences_of_a_real_step(
    tiny: Any, cpu: Device, gradients: Gradients, options: dict[str, Any], steps: int
) -> None:
    problem = Problem(tiny(), cpu, options, steps)
    before = copy.deepcopy((problem.network.state_dict(), problem.optimizer.state_dict()))
    exact, difference = (
        unrolled(
            lambda w: problem.loss(0, w), lambda w: problem.loss(1, w), problem.choices, problem.optimizer, gradients, hessian=h
        )
        for h in ("exact", "difference")
    )
    numeric, h = torch.zeros_like(exact), 2e-5
    for k, row in enumerate(h * torch.eye(9, dtype=torch.float64)):
        up, down = (problem.after_a_real_step(problem.choices + sign * row) for sign in (1, -1))
        numeric[k] = (up - down) / (2 * h)
    assert (exact - numeric).norm() <= 1e-6 * numeric.norm()
    assert (difference - numeric).norm() <= 1e-3 * numeric.norm()
    (first,) = torch.autograd.grad(problem.loss(1), [problem.choices])
    assert (first - numeric).norm() > 1e-2 * numeric.norm()  # so the second order matters here

    after = (problem.network.state_dict(), problem.optimizer.state_dict())
    assert all(torch.equal(before[0][name], value) for name, value in after[0].items())
    assert str(before[1]) == str(after[1])


@pytest.mark.parametrize("options", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_step_in_thought_is_the_optimizers_own(options: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(3, 2).double()
    optimizer = torch.optim.SGD(layer.parameters(), **options)
    for _ in range(3):
        slope = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in layer.parameters()]
        ahead, _ = step_ahead(optimizer, slope)
        for p, g in zip(layer.parameters(), slope, strict=True):
            p.grad = g
        optimizer.step()
        for p, q in zip(layer.parameters(), ahead, strict=True):
            torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-12)
