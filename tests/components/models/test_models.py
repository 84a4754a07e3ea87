from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import nn

from archsmith.errors import UnbuildableError, UnknownNameError
from archsmith.models import BUILDERS, build
from archsmith.models.blocks import Normalize
from archsmith.models.cost import FULL
from archsmith.spaces import SPACES
from archsmith.spaces.chain import ChainSpace
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Graph
from archsmith.values import Architecture, Fidelity

Make = Callable[..., tuple[ChainSpace, Architecture]]


def test_every_space_has_networks() -> None:
    assert set(BUILDERS) == set(SPACES)


def test_a_network_normalises_its_images_by_itself(chain: Make) -> None:
    space, architecture = chain({"op": "conv", "filters": 8, "kernel": 3})
    plain = build(space, architecture, (1, 6, 6), 3, fidelity=FULL).eval()
    normalised = build(space, architecture, (1, 6, 6), 3, fidelity=FULL, mean=(0.25,), std=(0.5,)).eval()
    normalised.load_state_dict({k: v for k, v in plain.state_dict().items() if not k.startswith("normalize.")}, strict=False)
    x = torch.rand(2, 1, 6, 6)
    torch.testing.assert_close(normalised(x), plain((x - 0.25) / 0.5))


class Odd:
    """A space of decisions that nobody builds networks from, or that make none."""

    def __init__(self, name: str, decisions: dict[str, Any]) -> None:
        self.name = name
        self.assignment = lambda _: decisions


def test_a_space_without_networks_is_named(chain: Make) -> None:
    _, architecture = chain({"op": "conv", "filters": 8, "kernel": 3})
    said = r"^Unknown space with networks 'chian'; valid: .*\bchain\b.*\. Did you mean 'chain'\?$"
    with pytest.raises(UnknownNameError, match=said):
        build(cast("Any", Odd("chian", {})), architecture, (1, 6, 6), 3, fidelity=FULL)


def test_an_architecture_that_makes_no_network_is_named_with_its_input(chain: Make) -> None:
    _, architecture = chain({"op": "conv", "filters": 8, "kernel": 3})
    decisions = {"layers": 1, "op_1": "conv", "filters_1": -1, "kernel_1": 3, "stride_1": 1, "dense": 0}
    with pytest.raises(UnbuildableError, match=rf"^No network can be built from {architecture.id} for images \(1, 6, 6\): ."):
        build(cast("Any", Odd("chain", decisions)), architecture, (1, 6, 6), 3, fidelity=FULL)


class Own(DecisionSpace):
    """A space that builds its networks itself, of parts that a test names."""

    parts: Any = ()

    def graph(self, architecture: Architecture) -> Graph:
        del architecture
        return Graph((), ())

    def layers(self, *_: Any) -> Any:
        return self.parts


def own(parts: Any) -> nn.Sequential:
    space = Own("own", (Decision("a", (1, 2)),))
    space.parts = parts
    return build(space, space.at(0), (3, 8, 8), 5, fidelity=Fidelity(1), mean=[0.5] * 3, std=[0.2] * 3)


@pytest.mark.parametrize("kind", [list, nn.ModuleList, dict, nn.ModuleDict])
def test_parts_of_a_space_of_ones_own_may_be_a_list_or_a_mapping_and_modules_may_hold_them(kind: Any) -> None:
    layers = [nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)]
    named = {f"part_{k}": layer for k, layer in enumerate(layers)}
    network = own(kind(named if kind in (dict, nn.ModuleDict) else layers))
    assert [type(module) for module in network] == [Normalize, *map(type, layers)]
    assert network(torch.rand(2, 3, 8, 8)).shape == (2, 5)


@pytest.mark.parametrize("name", ["normalize", "block.1", ""])
def test_a_part_may_not_be_called_as_no_part_can_be(name: str) -> None:
    with pytest.raises(UnbuildableError, match=f"`layers` calls a part '{name}', but `normalize` is the first part"):
        own({"stem": nn.Conv2d(3, 4, 3), name: nn.ReLU()})
