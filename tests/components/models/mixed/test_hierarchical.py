"""The mixed network of the hierarchical space, against stand-alone networks and brute force."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from archsmith.models.branch import Shape
from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.held import Held, Way, mean, sources
from archsmith.models.mixed.network import Mix, Mixed
from archsmith.spaces.macro.hierarchical import HierarchicalConfig, HierarchicalSpace
from archsmith.spaces.mixing import unmixable
from archsmith.values import Architecture, Fidelity

SMALL: dict[str, Any] = {
    "branches": 1,
    "joins": ["sum"],
    "layers": {"min": 1, "max": 3},
    "nodes": 2,
    "channels": 4,
    "doublings": 1,
}


def space(**settings: Any) -> HierarchicalSpace:
    return HierarchicalConfig.model_validate({**SMALL, **settings}).build()


def mixed(macro: HierarchicalSpace, **settings: Any) -> Mixed:
    return build_mixed(macro, (3, 8, 8), 4, fidelity=Fidelity(epochs=1), **settings)


def shapes(macro: HierarchicalSpace, architecture: Architecture) -> list[Shape]:
    """Return the shape of what each layer gives, the stem's first: with one branch, that is what the next one reads."""
    given = [Shape(macro.stem(architecture), 1)]
    for layer in macro.wiring(architecture).layers:
        channels = {"identity": given[-1].channels, "downsample": layer.filters}.get(layer.op, (layer.filters or 0) * 2)
        given.append(Shape(channels or 0, given[-1].shrunk * layer.stride))
    return given


def renamed(macro: HierarchicalSpace, architecture: Architecture) -> Callable[[str], str]:
    """Return from the name of a tensor of the stand-alone network to that of the mixed one."""
    cells = macro.cells(architecture)
    given = shapes(macro, architecture)

    def key(number: int) -> str:
        return f"{given[number].channels}_{given[number].shrunk}"

    def source(name: str) -> str:
        return f"{name}_{key(0 if name == 'stem' else int(name.removeprefix('layer_')))}"

    def rename(name: str) -> str:
        if found := re.fullmatch(r"layers\.(.*)(join|output)\.(layer_\d+|stem)\.(.*)", name):
            reader = re.match(r"layer_(\d+)", found[1])
            main = key(int(reader[1]) - 1) if reader else key(len(given) - 1)
            return f"layers.{found[1]}{found[2]}.{main}.{source(found[3])}.present.{found[4]}"
        if found := re.fullmatch(r"layers\.layer_(\d+)\.(cell\d|downsample)\.(.*)", name):
            i, rest = int(found[1]), found[3]
            rest = re.sub(r"^in_0\.", f"in_0.{key(max(i - 2, 0))}.", rest)
            if node := re.match(r"node_(\d+)\.([ab])\.", rest):
                _, state = cells[found[2]].node(int(node[1]))["ab".index(node[2])]
                rest = rest.replace(f".{node[2]}.", f".from_{state}.", 1)
            return f"layers.layer_{i}.{found[2]}_{key(i - 1)}.{rest}"
        return re.sub(r"^classifier\.", f"layers.classifier_{key(len(given) - 1)}.1.", name)

    return rename


@pytest.mark.parametrize("settings", [{}, {"stem_multiplier": 2, "cells": 1, "layers": {"min": 2, "max": 2}}])
def test_on_the_path_of_an_architecture_it_is_the_stand_alone_network(settings, assert_agrees):
    macro = space(**settings)
    assert unmixable(macro) is None
    network, rng = mixed(macro), np.random.default_rng(0)
    for architecture in (macro.sample(rng) for _ in range(3)):
        assert_agrees(network, macro, architecture, renamed(macro, architecture))


def test_derived_are_the_most_probable_of_different_networks():
    macro = space(nodes=1, layers={"min": 1, "max": 2}, operations=["skip_connect", "conv_3x3"])
    network, rng = mixed(macro), np.random.default_rng(0)
    p = {point.name: rng.dirichlet(np.ones(len(point.options))) for point in network.points}
    strongest = {
        name: max(p[f"{name}.edge_0_2"][a] * p[f"{name}.edge_1_2"][b] for a in (1, 2) for b in (1, 2)) for name in macro.searched
    }
    best: dict[Architecture, float] = {}
    for architecture in macro.enumerate():
        path = network.path(architecture)
        chance = np.prod(
            [p[name][places[0]] if places else p[name].max() for name, places in path.items() if ".edge_" not in name]
        )
        for name in macro.searched:
            edges = [path[f"{name}.edge_{a}_2"] for a in (0, 1)]
            chance *= np.prod([p[f"{name}.edge_{a}_2"][edges[a][0]] for a in (0, 1)]) if all(edges) else strongest[name]
        best[macro.canonical(architecture)] = max(best.get(macro.canonical(architecture), 0), chance)
    assert list(network.derive(p, 100_000)) == sorted(best, key=best.__getitem__, reverse=True)


def test_the_answers_of_all_ways_to_a_shape_are_weighed():
    network = mixed(space(layers={"min": 1, "max": 1}, nodes=1))
    mixes = {p.name: Mix(torch.eye(len(p.options))[1], (1,)) for p in network.points}
    x, weights = torch.rand(2, 3, 8, 8), torch.tensor([0.1, 0.2, 0.3, 0.4])
    alone = [network(x, {**mixes, "layer_1": Mix(torch.eye(4)[k], (k,))}) for k in range(4)]
    # The two cells give one shape, the other options one each.
    expected = sum(w * y for w, y in zip(weights, alone, strict=True))
    torch.testing.assert_close(network(x, {**mixes, "layer_1": Mix(weights, (0, 1, 2, 3))}), expected)
    torch.testing.assert_close(network(x, {**mixes, "layer_1": Mix(weights, (0,), watched=(1, 2, 3))}), expected)


def test_what_the_layer_before_may_have_read_is_as_probable_as_all_ways_from_there():
    a, b, to = Shape(4, 1), Shape(8, 1), Shape(16, 2)
    masses = [torch.tensor(m) for m in (0.1, 0.2, 0.4)]
    ways = [Way(source, to, Held(mass, torch.zeros(1))) for source, mass in zip((a, a, b), masses, strict=True)]
    read = {a: Held(torch.tensor(0.5), torch.ones(1)), b: Held(torch.tensor(0.5), torch.full((1,), 8.0))}
    before = sources(ways, read)[to]
    assert {shape: held.mass.item() for shape, held in before.items()} == pytest.approx({a: 0.3, b: 0.4})
    assert mean(list(before.values())).value.item() == pytest.approx((0.3 * 1 + 0.4 * 8) / 0.7)


def test_a_shape_that_is_watched_has_a_gradient_of_its_weight():
    network = mixed(space(layers={"min": 3, "max": 3}, cells=1, nodes=1))
    mixes = {p.name: Mix(torch.eye(len(p.options))[0], (0,)) for p in network.points}
    kinds = {name: p.options.index(name) for p in network.points if p.name == "layer_1" for name in p.options}
    x, one = torch.rand(2, 3, 8, 8), [Mix(torch.eye(3)[k], (k,)) for k in range(3)]

    def answers(first: Mix) -> torch.Tensor:
        return network(x, {**mixes, "layer_1": first, "layer_2": one[kinds["cell1"]], "layer_3": one[kinds["identity"]]})

    weights = torch.eye(3)[kinds["identity"]].requires_grad_()
    answers(Mix(weights, (kinds["identity"],), watched=(kinds["downsample"],))).sum().backward()
    halved = network.get_submodule("layers.layer_2.cell1_8_2")
    expected = answers(one[kinds["downsample"]]).sum().item()
    assert weights.grad is not None
    assert weights.grad[kinds["downsample"]].item() == pytest.approx(expected, rel=1e-4)
    assert all(p.grad is None for p in halved.parameters())


def test_the_answers_are_weighed_by_how_probable_their_shapes_are():
    macro = space(layers={"min": 2, "max": 2}, cells=1, nodes=1)
    network = mixed(macro).eval()
    ops = ("cell1", "identity", "downsample")
    mixes = {p.name: Mix(torch.eye(len(p.options))[0], (0,)) for p in network.points}

    def answers(first: Mix, second: Mix) -> torch.Tensor:
        return network(x, {**mixes, "layer_1": first, "layer_2": second})

    x, one = torch.rand(2, 3, 8, 8), [Mix(torch.eye(3)[k], (k,)) for k in range(3)]
    both = Mix(torch.tensor([0.0, 0.3, 0.7]), (1, 2))
    assert next(p.options for p in network.points if p.name == "layer_1") == ops
    alone = [0.3 * answers(one[1], one[k]) + 0.7 * answers(one[2], one[k]) for k in (1, 2)]
    # Identity and halving lead to shapes of their own, with one way to each.
    torch.testing.assert_close(answers(both, one[1]), alone[0])
    torch.testing.assert_close(answers(both, one[2]), alone[1])
