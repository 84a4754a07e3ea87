"""The mixed network of the chain space, against stand-alone networks and brute force."""

import re
from itertools import product
from typing import Any

import numpy as np
import pytest

from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mixed
from archsmith.spaces.chain import ChainConfig, ChainSpace
from archsmith.spaces.mixing import unmixable
from archsmith.values import Architecture, Fidelity

SETTINGS: dict[str, dict[str, Any]] = {
    "layers": {"layers": {"min": 1, "max": 3}, "operations": ["conv", "sepconv"], "filters": [8], "strides": [1], "units": [8]},
    "strides": {"layers": {"min": 2, "max": 2}, "operations": ["sepconv", "conv"], "filters": [6], "strides": [2],
                "dense_layers": {"min": 1, "max": 2}, "units": [5]},
    "poolings": {"layers": {"min": 2, "max": 2}, "operations": ["maxpool", "avgpool"], "pools": [3], "strides": [2],
                 "dense_layers": {"min": 0, "max": 0}},
}  # fmt: skip


def space(name: str) -> ChainSpace:
    return ChainConfig.model_validate(SETTINGS[name]).build()


def mixed(chain: ChainSpace) -> Mixed:
    return build_mixed(chain, (3, 8, 8), 4, fidelity=Fidelity(epochs=1))


@pytest.mark.parametrize("name", SETTINGS)
def test_with_one_option_a_layer_it_is_the_stand_alone_network(name, assert_agrees):
    chain = space(name)
    assert unmixable(chain) is None
    network, rng = mixed(chain), np.random.default_rng(0)
    for architecture in (chain.sample(rng) for _ in range(8)):
        chosen = {p.name: p.options[network.path(architecture)[p.name][0]] for p in network.points}

        def rename(name: str, chosen: dict[str, str] = chosen) -> str:
            layer, _, rest = name.partition(".")
            if re.match(r"layer_\d", name):
                return f"{layer}.{chosen[layer]}.{rest.partition('.')[2]}"
            searched = layer in {p.name for p in network.points}
            return f"{layer}.dense.{rest}" if searched else name

        assert_agrees(network, chain, architecture, rename)


def test_derived_are_the_most_probable_chains():
    chain = space("layers")
    network, rng = mixed(chain), np.random.default_rng(3)
    p = {point.name: rng.dirichlet(np.ones(len(point.options))) for point in network.points}
    best: dict[Architecture, float] = {}
    for layers in product(*(point.options for point in network.points)):
        there = [option.split("_") for option in layers[:3] if option != "skip"]
        chosen: dict[str, Any] = {"layers": len(there), "dense": int(layers[3] == "dense")} | (
            {"units_1": 8} if layers[3] == "dense" else {}
        )
        for i, (op, kernel) in enumerate(there, start=1):
            chosen |= {f"op_{i}": op, f"kernel_{i}": int(kernel), f"filters_{i}": 8, f"stride_{i}": 1}
        chance = np.prod([p[point.name][point.options.index(o)] for point, o in zip(network.points, layers, strict=True)])
        architecture = chain.architecture(chosen)
        best[architecture] = max(best.get(architecture, 0), chance)
    assert len(best) == chain.size()
    assert list(network.derive(p, 1000)) == sorted(best, key=best.__getitem__, reverse=True)
