from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archsmith.errors import UnbuildableError
from archsmith.models import build
from archsmith.models.cost import FULL, cost, cost_of, within_limits
from archsmith.spaces import SPACES
from archsmith.spaces.chain import ChainSpace
from archsmith.spaces.space import Space
from archsmith.spec import Objective
from archsmith.values import Architecture

SHAPE = (3, 20, 14)


def counted_by_hooks(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Count multiply-adds from the shapes that go through convolutions and linear layers."""
    total = 0

    def hook(module: nn.Module, _: Any, y: torch.Tensor) -> None:
        nonlocal total
        total += y.numel() * cast("torch.Tensor", module.weight)[0].numel()

    handles = [m.register_forward_hook(hook) for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        network.eval()(torch.zeros(1, *shape))
    for handle in handles:
        handle.remove()
    return total


def test_multiply_adds_are_those_that_another_counter_finds(wide_space: ChainSpace) -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        architecture = wide_space.sample(rng)
        network = build(wide_space, architecture, SHAPE, 7, fidelity=FULL)
        counted = cost_of(wide_space, architecture, SHAPE, 7)
        assert counted.flops == counted_by_hooks(network, SHAPE)
        assert counted.n_params == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("name", ["cell", "mobile", "nas-bench-201"])
def test_multiply_adds_are_those_that_torch_counts(name: str) -> None:
    space = SPACES[name]().build()
    architecture = space.sample(np.random.default_rng(0))
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        build(space, architecture, (3, 16, 16), 10, fidelity=FULL).eval()(torch.zeros(1, 3, 16, 16))
    assert cost_of(space, architecture, (3, 16, 16), 10).flops == counter.get_total_flops() // 2


def test_counting_leaves_the_network_as_it_was(wide_space: ChainSpace) -> None:
    network = build(wide_space, wide_space.sample(np.random.default_rng(0)), SHAPE, 7, fidelity=FULL).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    cost(network, SHAPE)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_frozen_parameters_do_not_count() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Linear(3, 2))
    network[1].requires_grad_(False)
    counted = cost(network, (1, 2, 2))
    assert (counted.n_params, counted.flops) == (3 * 2 + 2, 4 * 3 + 3 * 2)


def test_counting_an_architecture_takes_no_memory(chain: Callable[..., tuple[ChainSpace, Architecture]]) -> None:
    space, architecture = chain({"op": "conv", "filters": 64, "kernel": 5}, {"op": "conv", "filters": 64, "kernel": 5})
    # On a real device, the activations of an image of this size would take a petabyte.
    counted = cost_of(space, architecture, (3, 2_000_000, 2_000_000), 10)
    assert counted.flops > 10**17


def test_the_limits_that_are_known_without_training_are_tested(wide_space: ChainSpace) -> None:
    objectives = (
        Objective(metric="accuracy", goal="maximize", limit=0.5),
        Objective(metric="n_params", limit=3000),
        Objective(metric="flops", goal="minimize", limit=200_000),
        Objective(metric="latency_s", limit=1e-9),
    )
    feasible = within_limits(wide_space, objectives, SHAPE, 7)
    rng = np.random.default_rng(2)
    found = set()
    for _ in range(40):
        architecture = wide_space.sample(rng)
        counted = cost_of(wide_space, architecture, SHAPE, 7)
        assert feasible(architecture) == (counted.n_params <= 3000 and counted.flops <= 200_000)
        found.add(feasible(architecture))
    assert found == {True, False}


def test_a_limit_may_be_one_from_below(wide_space: ChainSpace) -> None:
    architecture = wide_space.sample(np.random.default_rng(0))
    n = cost_of(wide_space, architecture, SHAPE, 7).n_params
    for limit, kept in ((n, True), (n + 1, False)):
        objective = Objective(metric="n_params", goal="maximize", limit=limit)
        assert within_limits(wide_space, (objective,), SHAPE, 7)(architecture) == kept


@dataclass
class Unbuildable:
    """A space whose networks can't be built."""

    name: str = "chain"

    def assignment(self, architecture: Architecture) -> dict[str, Any]:
        return {"layers": 1, "op_1": "maxpool", "pool_1": -2, "stride_1": 1, "dense": 0}


def test_what_can_not_be_built_keeps_no_limit() -> None:
    space = cast("Space", Unbuildable())
    architecture = Architecture("chain", ())
    with pytest.raises(UnbuildableError, match=architecture.id):
        cost_of(space, architecture, (1, 8, 8), 10)
    limited = (Objective(metric="n_params", limit=10),)
    assert not within_limits(space, limited, (1, 8, 8), 10)(architecture)
    assert within_limits(space, (), (1, 8, 8), 10)(cast("Architecture", SimpleNamespace()))


class Attentive(nn.Module):
    """Patches of an image that attend to each other, as a space of one's own may have them."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.patches, self.attention, self.out = nn.Conv2d(3, 32, 4, 4), attention, nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = self.attention(x) if isinstance(self.attention, nn.TransformerEncoderLayer) else self.attention(x, x, x)[0]
        return self.out(x.mean(1))


@pytest.mark.parametrize("make", [partial(nn.TransformerEncoderLayer, 32, 4, 64), partial(nn.MultiheadAttention, 32, 4)])
def test_attention_is_counted_alike_wherever_the_network_is_and_by_torch(make: Callable[..., nn.Module]) -> None:
    network = Attentive(make(batch_first=True))
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 32, 32))
    expected = counter.get_total_flops() // 2
    fast = torch.backends.mha.get_fastpath_enabled()
    assert cost(network, (3, 32, 32)).flops == expected == cost(deepcopy(network).to("meta"), (3, 32, 32)).flops
    assert torch.backends.mha.get_fastpath_enabled() == fast


class Recurrent(nn.Module):
    """Reads the columns of an image one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x[:, 0])[0][:, -1])  # type: ignore[no-any-return]


def test_a_recurrent_layer_is_counted_wherever_the_network_is() -> None:
    network = Recurrent()
    by_hand = 8 * (4 * 16 * (8 + 16)) + 16 * 3  # eight steps of four gates, and the head
    assert cost(network, (1, 8, 8)).flops == by_hand
    assert cost(network.to("meta"), (1, 8, 8)).flops == by_hand
    assert not network.lstm.weight_hh_l0.grad


def test_a_network_that_keeps_tensors_which_are_no_buffers_is_counted_all_the_same() -> None:
    class Keeping(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.flatten(1) + self.kept)  # type: ignore[no-any-return]

    network = Keeping(4, 3)
    network.kept = [torch.zeros(4)][0]
    assert cost(network, (1, 2, 2)).flops == 12
