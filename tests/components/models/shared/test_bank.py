"""The bank: all networks of a space on one set of tensors."""

import itertools
import types
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from archsmith.spaces import SPACES
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph
from archsmith.spaces.space import Space
from archsmith.testing.plugins import TOWERS
from archsmith.testing.shared_tensors import bank_of, check_agreement
from archsmith.values import Architecture, Fidelity

SMALL: dict[str, dict[str, Any]] = {
    "cell": {"cells": 3, "channels": 4, "nodes": 2},
    "branch-of-cells": {"macro": "residual", "blocks": 1, "cells": 2, "channels": 4, "nodes": 2},
    "hierarchical": {"channels": 4, "nodes": 2},
    "mobile": {
        "stem": 8,
        "head": 16,
        "depth": {"min": 1, "max": 2},
        "squeeze_excitation": [True, False],
        "stages": [{"channels": 8, "stride": 2}, {"channels": 16}],
    },
    "nas-bench-201": {"cells": 1, "channels": 4},
    "yaml": {
        "decisions": [
            {"name": "op", "choices": ["conv", "mbconv", "max_pool_3x3"]},
            {"name": "kernel", "choices": [3, 5], "when": {"op": ["conv", "mbconv"]}},
        ],
        "network": [
            {"op": "conv", "filters": 8, "stride": 2},
            {"when": {"op": ["conv", "mbconv"]}, "blocks": [{"op": "$op", "filters": 8, "kernel": "$kernel"}]},
            {"when": {"op": ["max_pool_3x3"]}, "blocks": [{"op": "$op"}]},
        ],
    },
}


def towers() -> Space:
    module = types.ModuleType("towers")
    exec(TOWERS, module.__dict__)
    return module.TowersConfig().build()


def made(name: str) -> Space:
    return towers() if name == "towers" else SPACES[name].model_validate(SMALL.get(name, {})).build()


@pytest.mark.parametrize("name", [*SPACES, "towers"])
def test_shared_networks_are_those_that_stand_alone(name: str) -> None:
    space, rng = made(name), np.random.default_rng(0)
    check_agreement(bank_of(space, cached=2), space, [space.sample(rng) for _ in range(4)])


class Odd(DecisionSpace):
    """Modules that no rule of ours knows: a recurrent layer, tied weights, a tensor that is no buffer, a constant."""

    def __init__(self) -> None:
        super().__init__("odd", [Decision("tied", (False, True)), Decision("units", (4, 6))])

    def graph(self, architecture: Architecture) -> Graph:
        raise NotImplementedError

    def layers(self, architecture: Architecture, input_shape: Any, n_classes: int, fidelity: Fidelity) -> list[nn.Module]:
        chosen = self.assignment(architecture)
        return [nn.Conv2d(3, 4, 3), Oddity(int(chosen["units"]), bool(chosen["tied"])), nn.Linear(4, n_classes)]


class Oddity(nn.Module):
    def __init__(self, units: int, tied: bool) -> None:
        super().__init__()
        self.recurrent = nn.GRU(4, units, batch_first=True)
        self.norm = nn.BatchNorm1d(units)
        self.a, self.b = nn.Linear(units, 4, bias=False), nn.Linear(units, 4, bias=False)
        self.scale = nn.Parameter(torch.full((4,), 0.1))
        self.plain = torch.arange(4.0)
        self.register_buffer("hidden", torch.full((4,), 2.0), persistent=False)
        if tied:
            self.b.weight = self.a.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.norm(self.recurrent(x.flatten(2).transpose(1, 2))[0][:, -1])
        return (self.a(h) + self.b(h)) * self.scale + self.plain * self.hidden


def test_modules_of_which_nothing_is_known_are_shared_as_well() -> None:
    space = Odd()
    before = torch.get_rng_state()
    bank = bank_of(space)
    for architecture in space.enumerate():
        bank.network(architecture)
    assert torch.equal(torch.get_rng_state(), before)
    check_agreement(bank, space, list(space.enumerate()))
    untied, tied = (bank.network(space.architecture({"tied": t, "units": 4})).get_submodule("layer_2") for t in (False, True))
    assert untied.a.weight is tied.a.weight is tied.b.weight is not untied.b.weight
    assert torch.equal(untied.scale, torch.full((4,), 0.1))
    assert untied.recurrent.weight_ih_l0.std() > 0.1


def test_tensors_do_not_depend_on_which_architecture_comes_first() -> None:
    space, rng = made("chain"), np.random.default_rng(1)
    architectures = [space.sample(rng) for _ in range(10)]
    there, back, other = bank_of(space), bank_of(space), bank_of(space, seed=1)
    for a, b in zip(architectures, reversed(architectures), strict=True):
        there.network(a), back.network(b), other.network(a)
    one, same, else_ = (bank.parameters for bank in (there, back, other))
    assert one.keys() == same.keys() == else_.keys()
    assert all(torch.equal(one[key], same[key]) for key in one)
    drawn = [key for key in one if one[key].ndim > 1]
    assert not any(torch.equal(one[key], else_[key]) for key in drawn)
    alike = [(a, b) for a, b in itertools.combinations(drawn, 2) if one[a].shape == one[b].shape]
    assert alike
    assert not any(torch.equal(one[a], one[b]) for a, b in alike)


def test_a_bank_that_is_restored_is_the_same(tmp_path: Any) -> None:
    space, rng = made("nas-bench-201"), np.random.default_rng(2)
    architectures = [space.sample(rng) for _ in range(3)]
    bank, again = bank_of(space), bank_of(space, seed=5)
    for architecture in architectures:
        bank.network(architecture).train()(torch.rand(2, 3, 12, 12)).sum().backward()
        for parameter in bank.network(architecture).parameters():
            parameter.data += 1
    torch.save(bank.state(), tmp_path / "state.pt")
    again.network(architectures[0])
    again.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    for architecture in architectures:
        ours, theirs = bank.extract(architecture), again.extract(architecture)
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    check_agreement(again, space, architectures)


def test_what_is_extracted_changes_no_more() -> None:
    space = made("chain")
    bank, architecture = bank_of(space), space.sample(np.random.default_rng(0))
    before = bank.extract(architecture)
    copies = {name: tensor.clone() for name, tensor in before.items()}
    for parameter in bank.network(architecture).parameters():
        parameter.data.zero_()
    assert all(torch.equal(before[name], copies[name]) for name in before)


def test_split_networks_begin_alike_and_share_no_more() -> None:
    space = made("nas-bench-201")
    bank = bank_of(space)
    one = space.from_text("|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_3x3~2|")
    name = space.decisions[0].name
    chosen = space.assignment(one)
    other = space.architecture({**chosen, name: "nor_conv_1x1"})
    later = "stage_1_cell_1.edge_0_2.nor_conv_3x3.1.weight"
    bank.network(one).get_parameter(later).data += 1
    bank.split(name)
    a, b = (bank.network(x).get_parameter(later) for x in (one, other))
    assert torch.equal(a, b)
    assert a is not b
    assert len(bank.parameters) == 5 * sum(key.startswith("['nor_conv_3x3'] ") for key in bank.parameters)
    same = space.architecture({**chosen, space.decisions[-1].name: "skip_connect"})
    assert bank.network(same).get_parameter(later) is a
    check_agreement(bank, space, [one, other, same])
    with pytest.raises(ValueError, match="split by"):
        bank.split(name)
    with pytest.raises(ValueError, match="no decision `nowhere`"):
        bank_of(space).split("nowhere")


def test_few_networks_are_kept_and_none_is_lost() -> None:
    space, rng = made("chain"), np.random.default_rng(0)
    bank = bank_of(space, cached=2)
    a, b, c = (space.sample(rng) for _ in range(3))
    first = bank.network(a)
    assert bank.network(a) is first
    weight = first.get_parameter("classifier.weight")
    bank.network(b), bank.network(c)
    assert bank.network(a) is not first
    assert bank.network(a).get_parameter("classifier.weight") is weight
