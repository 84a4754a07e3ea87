from collections.abc import Callable
from typing import Any, cast

import pytest
import torch

from archsmith.errors import UnbuildableError, UnknownNameError
from archsmith.models import BUILDERS, build
from archsmith.models.cost import FULL
from archsmith.spaces import SPACES
from archsmith.spaces.chain import ChainSpace
from archsmith.values import Architecture

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
