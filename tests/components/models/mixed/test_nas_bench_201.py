"""The mixed network of NAS-Bench-201, against stand-alone networks and brute force."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mix, Mixed, Mixture
from archsmith.spaces.nas_bench_201 import NasBench201Config, NasBench201Space
from archsmith.values import Fidelity


@pytest.fixture(scope="module")
def space() -> NasBench201Space:
    return NasBench201Config.model_validate({"channels": 4, "cells": 1}).build()


def mixed(space: NasBench201Space, **settings: Any) -> Mixed:
    return build_mixed(space, (3, 8, 8), 4, fidelity=Fidelity(epochs=1), **settings)


def test_with_one_operation_an_edge_it_is_the_stand_alone_network(space, assert_agrees):
    network, rng = mixed(space), np.random.default_rng(0)
    for _ in range(20):
        architecture = space.sample(rng)
        assert_agrees(network, space, architecture)


def test_derived_are_the_most_probable_of_different_cells(space):
    rng = np.random.default_rng(1)
    network = mixed(space)
    probabilities = {p.name: rng.dirichlet(np.ones(5)) for p in network.points}
    best: dict[Any, float] = {}
    for choices in product(*(p.options for p in network.points)):
        architecture = space.canonical(space.architecture(dict(zip(probabilities, choices, strict=True))))
        chance = np.prod([probabilities[p.name][p.options.index(op)] for p, op in zip(network.points, choices, strict=True)])
        best[architecture] = max(best.get(architecture, 0), chance)
    del best[space.canonical(space.architecture(dict.fromkeys(probabilities, "none")))]  # nothing reaches its output
    assert list(network.derive(probabilities, 50)) == sorted(best, key=best.__getitem__, reverse=True)[:50]
    assert len(network.derive(probabilities, 10**6)) == len(best)


def test_a_cell_that_nothing_passes_is_not_derived_however_probable(space):
    network = mixed(space)
    nothing = {p.name: np.array([0.9 if o == "none" else 0.025 for o in p.options]) for p in network.points}
    derived = network.derive(nothing, 8)
    # Of cells that pass anything on, those of one edge from the input to the output are the most probable.
    direct = space.decisions[3].name
    names = [{k: v for k, v in space.assignment(a).items() if v != "none"} for a in derived]
    assert [set(live) for live in names[:4]] == [{direct}] * 4
    assert len(set(derived)) == 8
    assert all(names)


def test_only_what_is_active_is_computed(space):
    network = mixed(space)
    ran = set()
    for place, option in (
        (f"{m.point}.{name}", option) for ms in network.mixtures().values() for m in ms for name, option in m.items()
    ):
        option.register_forward_hook(lambda *_, place=place: ran.add(place))
    active = {p.name: (2, 4) for p in network.points}
    mixes = {name: Mix(torch.full((5,), 0.2), places) for name, places in active.items()}
    network(torch.rand(2, 3, 8, 8), mixes)
    assert ran == {f"{p.name}.{op}" for p in network.points for op in ("nor_conv_1x1", "avg_pool_3x3")}


def convolved(mixture: Mixture, name: str, x: torch.Tensor) -> torch.Tensor:
    """ReLU, convolution, normalisation by the batch."""
    kernel = mixture.get_parameter(f"{name}.1.weight")
    return F.batch_norm(F.conv2d(F.relu(x), kernel, padding=kernel.shape[-1] // 2), None, None, training=True)


def test_options_are_weighed(space):
    mixture = mixed(space).mixtures()["op_0_1"][0]
    x, weights = torch.randn(2, 4, 8, 8), torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5])
    pooled = F.batch_norm(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), None, None, training=True)
    of = [0 * x, x, convolved(mixture, "nor_conv_1x1", x), convolved(mixture, "nor_conv_3x3", x), pooled]
    expected = sum(w * y for w, y in zip(weights, of, strict=True))
    torch.testing.assert_close(mixture(x, {"op_0_1": Mix(weights, (0, 1, 2, 3, 4))}), expected)
    torch.testing.assert_close(mixture(x, {"op_0_1": Mix(weights, (1,), watched=(4, 2, 3, 0))}), expected)
    assert mixture(x, {"op_0_1": Mix(weights, (0,))}).abs().max() == 0


def test_what_is_watched_has_a_gradient_of_its_weight_and_of_nothing_else(space):
    mixture = mixed(space).mixtures()["op_0_1"][0]
    x, weights = torch.randn(2, 4, 8, 8), torch.rand(5, requires_grad=True)
    y = mixture(x, {"op_0_1": Mix(weights, (1,), watched=(3,))})
    y.square().sum().backward()
    expected = (2 * y * convolved(mixture, "nor_conv_3x3", x)).sum().item()
    assert weights.grad is not None
    assert weights.grad[3].item() == pytest.approx(expected, rel=1e-4)
    assert weights.grad[[0, 2, 4]].tolist() == [0, 0, 0]
    assert all(p.grad is None for p in mixture.parameters())
