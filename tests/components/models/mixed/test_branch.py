"""The mixed network of the multi-branch space, against stand-alone networks and brute force."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mix, Mixed
from archsmith.spaces.macro.branch import BranchConfig, BranchSpace
from archsmith.spaces.mixing import unmixable
from archsmith.values import Architecture, Fidelity

ONE: dict[str, Any] = {"branches": 1, "joins": ["sum"], "filters": [8], "strides": [1], "kernels": [3]}
SETTINGS: dict[str, dict[str, Any]] = {
    "all operations": {**ONE, "layers": {"min": 1, "max": 4}, "stem": 8, "kernels": [3, 5]},
    "convolutions on a narrow stem": {**ONE, "layers": {"min": 2, "max": 3}, "stem": 4, "operations": ["conv", "dilconv"]},
    "strides": {**ONE, "layers": {"min": 3, "max": 3}, "stem": 8, "strides": [2], "operations": ["sepconv", "maxpool"]},
    "one operation": {**ONE, "layers": {"min": 1, "max": 3}, "stem": 8, "operations": ["conv"]},
}  # fmt: skip


def space(name: str) -> BranchSpace:
    return BranchConfig.model_validate(SETTINGS[name]).build()


def mixed(branch: BranchSpace) -> Mixed:
    return build_mixed(branch, (3, 8, 8), 4, fidelity=Fidelity(epochs=1))


def renamed(network: Mixed, architecture: Architecture) -> Callable[[str], str]:
    """Return from the name of a tensor of the stand-alone network to that of the mixed one."""
    options = {p.name: p.options[places[0]] for p in network.points if (places := network.path(architecture)[p.name])}

    def rename(name: str) -> str:
        name = re.sub(r"(\.join|\.output)\.(layer_\d+|stem)\.", r"\1.\2.present.", name)
        found = re.match(r"layers\.(layer_\d+)\.(?!join)[a-z]+\.(.*)", name)
        if not found:
            return name
        return ".".join(["layers", found[1], "operation", *([options[found[1]]] if found[1] in options else []), found[2]])

    return rename


@pytest.mark.parametrize("name", SETTINGS)
def test_on_the_path_of_an_architecture_it_is_the_stand_alone_network(name, assert_agrees):
    branch = space(name)
    assert unmixable(branch) is None
    network, rng = mixed(branch), np.random.default_rng(0)
    for architecture in (branch.sample(rng) for _ in range(6)):
        assert_agrees(network, branch, architecture, renamed(network, architecture))


def test_derived_are_the_most_probable_of_different_networks():
    branch = BranchConfig.model_validate({**SETTINGS["convolutions on a narrow stem"], "layers": {"min": 1, "max": 3}}).build()
    network, rng = mixed(branch), np.random.default_rng(0)
    p = {point.name: rng.dirichlet(np.ones(len(point.options))) for point in network.points}
    best: dict[Architecture, float] = {}
    for architecture in branch.enumerate():
        path = network.path(architecture)
        # What has no meaning is as if it were as probable as it can be.
        chance = np.prod([p[name][places[0]] if places else p[name].max() for name, places in path.items()])
        best[branch.canonical(architecture)] = max(best.get(branch.canonical(architecture), 0), chance)
    assert list(network.derive(p, 10_000)) == sorted(best, key=best.__getitem__, reverse=True)


def test_what_may_be_the_last_layer_is_weighed():
    network = mixed(space("one operation"))
    # Each reads all that it can: what is added to the last layer differs with which one that is.
    mixes = {p.name: Mix(torch.eye(len(p.options))[1], (1,)) for p in network.points}
    layers, x = network.get_submodule("layers"), torch.rand(2, 8, 8, 8)
    weights = torch.tensor([0.2, 0.3, 0.5])
    alone = [layers(x, {**mixes, "layers": Mix(torch.eye(3)[k], (k,))}) for k in range(3)]
    expected = sum(w * y for w, y in zip(weights, alone, strict=True))
    torch.testing.assert_close(layers(x, {**mixes, "layers": Mix(weights, (0, 1, 2))}), expected)


def test_only_the_layers_up_to_the_last_are_computed():
    network = mixed(space("one operation"))
    ran: list[int] = []
    for i in (1, 2, 3):
        network.get_submodule(f"layers.layer_{i}.operation").register_forward_hook(lambda *_, i=i: ran.append(i))
    mixes = {p.name: Mix(torch.eye(len(p.options))[0], (0,)) for p in network.points}
    network(torch.rand(2, 3, 8, 8), {**mixes, "layers": Mix(torch.tensor([0.5, 0.5, 0.0]), (0, 1))})
    assert ran == [1, 2]
