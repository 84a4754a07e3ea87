"""Narrower layers and smaller kernels as parts of larger ones."""

from typing import Any

import numpy as np
import pytest
import torch

from archsmith.errors import PermanentError
from archsmith.models.shared.slices import SlicedBank, with_choices
from archsmith.spaces import SPACES
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph
from archsmith.spaces.space import Space
from archsmith.testing.shared_tensors import bank_of, check_agreement
from archsmith.values import Architecture

SIZED: dict[str, dict[str, Any]] = {
    "chain": {"layers": {"min": 1, "max": 3}, "filters": [4, 8], "kernels": [3, 5], "units": [6, 8]},
    "branch": {"layers": {"min": 2, "max": 3}, "filters": [4, 8], "kernels": [3, 5]},
    "mobile": {
        "stem": 8, "head": 16, "depth": {"min": 1, "max": 2}, "squeeze_excitation": [True, False],
        "stages": [{"channels": 8, "stride": 2}, {"channels": 16}],
    },
    "yaml": {
        "decisions": [
            {"name": "width", "choices": [4, 8], "ordered": True},
            {"name": "kernel", "choices": [3, 5], "ordered": True},
        ],
        "network": [
            {"op": "conv", "filters": "$width", "kernel": "$kernel"},
            {"op": "sepconv", "filters": 8, "kernel": "$kernel"},
            {"op": "dense", "units": "$width"},
        ],
    },
}  # fmt: skip


def made(name: str) -> Space:
    return SPACES[name].model_validate(SIZED[name]).build()


def sliced(space: Space) -> SlicedBank:
    bank = bank_of(space, make=SlicedBank)
    assert isinstance(bank, SlicedBank)
    return bank


@pytest.mark.parametrize("name", SIZED)
def test_networks_of_slices_are_those_that_stand_alone(name: str) -> None:
    space, rng = made(name), np.random.default_rng(0)
    check_agreement(sliced(space), space, [space.sample(rng) for _ in range(4)])


def chain(space: Any, filters: int, kernel: int) -> Architecture:
    layers = {
        f"{key}_{i}": v for i in (1, 2) for key, v in {"op": "conv", "filters": filters, "kernel": kernel, "stride": 1}.items()
    }
    return space.architecture({"layers": 2, "dense": 0, **layers})  # type: ignore[no-any-return]


def test_a_narrower_layer_has_the_leading_channels_and_a_smaller_kernel_the_centre() -> None:
    space = made("chain")
    bank = sliced(space)
    small, large = (bank.extract(chain(space, *size)) for size in ((4, 3), (8, 5)))
    assert torch.equal(small["layer_2.conv.0.weight"], large["layer_2.conv.0.weight"][:4, :4, 1:4, 1:4])
    assert torch.equal(small["layer_1.conv.0.weight"], large["layer_1.conv.0.weight"][:4, :, 1:4, 1:4])
    assert torch.equal(small["classifier.weight"], large["classifier.weight"][:, :4])
    assert small["layer_2.conv.1.running_mean"].shape == (4,)


def test_a_narrow_network_moves_the_running_statistics_and_has_gradients_of_its_part_alone() -> None:
    space = made("chain")
    bank = sliced(space)
    small, large = chain(space, 4, 3), chain(space, 8, 5)
    before = bank.extract(large)
    x = torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    bank.network(small).train()(x).square().sum().backward()
    after = bank.extract(large)
    name = "layer_2.conv.1.running_mean"
    assert not torch.equal(after[name][:4], before[name][:4])
    assert torch.equal(after[name][4:], before[name][4:])
    gradient = bank.parameters["layer_2.conv.0.weight Conv2d"].grad
    assert gradient is not None
    assert gradient[:4, :4, 1:4, 1:4].abs().min() > 0
    assert gradient.count_nonzero() == 4 * 4 * 3 * 3


def test_what_makes_a_network_larger_is_found_out() -> None:
    space = made("chain")
    bank = sliced(space)
    found = {space.decisions[place].name: ends for place, ends in bank.extremes.items()}
    assert found["filters_1"] == (4, 8)
    assert found["kernel_1"] == (3, 5)
    assert found["layers"] == (1, 3)
    assert not any(name.startswith("stride") for name in found)


def test_choices_that_are_not_active_are_left_out_and_new_ones_drawn() -> None:
    space, rng = made("chain"), np.random.default_rng(0)
    one = chain(space, 4, 3)
    deeper = with_choices(space, one, {0: 3}, rng)
    assert deeper.choices[0] == 3
    assert space.assignment(deeper).items() >= {(k, v) for k, v in space.assignment(one).items() if k != "layers"}
    assert with_choices(space, deeper, {0: 2}, rng) == one


class Unforeseen(SlicedBank):
    """Looks at no network before it comes."""

    def _survey(self, architecture: Architecture) -> None:
        del architecture


def test_a_tensor_grows_where_a_larger_one_was_not_foreseen() -> None:
    space = made("chain")
    bank = bank_of(space, make=Unforeseen)
    small, large = chain(space, 4, 3), chain(space, 8, 5)
    parameter = bank.touched(small)[0].parameter
    parameter.data += 1
    alive = bank.network(small)(torch.rand(2, 3, 12, 12)).sum()  # a graph that knows the smaller tensors
    alive.backward(retain_graph=True)
    trained = bank.extract(small)
    check_agreement(bank, space, [large, small])
    assert bank.touched(large)[0].parameter.shape > parameter.shape
    now = bank.extract(small)
    weights = [name for name in trained if "running" not in name and "tracked" not in name]
    assert all(torch.equal(trained[name], now[name]) for name in weights)


class Recurrent(DecisionSpace):
    def __init__(self) -> None:
        super().__init__("recurrent", [Decision("units", (4, 6), ordered=True)])

    def graph(self, architecture: Architecture) -> Graph:
        raise NotImplementedError

    def layers(self, architecture: Architecture, input_shape: Any, n_classes: int, fidelity: Any) -> list[torch.nn.Module]:
        units = int(self.assignment(architecture)["units"])
        return [torch.nn.GRU(4, units), torch.nn.Linear(units, n_classes)]


def test_what_cannot_be_sliced_is_refused_by_its_name() -> None:
    space = Recurrent()
    bank = sliced(space)
    with pytest.raises(PermanentError, match=r"`layer_1.weight_ih_l0`, of GRU, has .*\(12, 4\) and \(18, 4\) .* `slicing`"):
        bank.network(space.architecture({"units": 4}))
