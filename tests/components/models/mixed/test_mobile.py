"""The mixed network of the mobile space, against stand-alone networks and brute force."""

import re
from itertools import product
from typing import Any

import numpy as np
import pytest

from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mixed
from archsmith.spaces.mobile import MobileConfig, MobileSpace
from archsmith.values import Architecture, Fidelity

SMALL: dict[str, Any] = {
    "stem": 8,
    "stages": [{"channels": 8, "depth": {"min": 1, "max": 1}, "kernels": [3], "expansions": [1]}, {"channels": 16, "stride": 2}],
    "depth": {"min": 1, "max": 3},
    "kernels": [3, 5],
    "expansions": [2],
    "head": 16,
}


def space(**settings: Any) -> MobileSpace:
    return MobileConfig.model_validate({**SMALL, **settings}).build()


def mixed(mobile: MobileSpace, **settings: Any) -> Mixed:
    return build_mixed(mobile, (3, 8, 8), 4, fidelity=Fidelity(epochs=1), **settings)


@pytest.mark.parametrize("places", [(1, 2, 3), (1, 3)])
@pytest.mark.parametrize("gates", [[False], [False, True]])
def test_with_one_option_a_block_it_is_the_stand_alone_network(places, gates, assert_agrees):
    mobile = space(squeeze_excitation=gates)
    network, rng = mixed(mobile), np.random.default_rng(0)
    (skip,) = {len(p.options) - 1 for p in network.points if p.skips}
    for architecture in (a for a in (mobile.sample(rng) for _ in range(6)) if mobile.assignment(a)["depth_2"] <= len(places)):
        path = dict(network.path(architecture))
        # Whichever blocks are left out, those that are there come one after the other.
        path |= {f"block_2_{place}": path[f"block_2_{b}"] for b, place in enumerate(places, start=1)}
        path |= {f"block_2_{b}": (skip,) for b in (2, 3) if b not in places}
        options = {p.name: p.options[path[p.name][0]] for p in network.points}

        def rename(name: str, options: dict[str, str] = options) -> str:
            found = re.match(r"block_(\d)_(\d)\.(.*)", name)
            if not found:
                return name
            place = "block_1_1" if found[1] == "1" else f"block_2_{places[int(found[2]) - 1]}"
            return f"{place}.{options[place]}.{found[3]}" if place in options else name

        assert_agrees(network, mobile, architecture, rename, path=path)


def test_blocks_with_something_to_decide_are_points():
    network = mixed(space())
    assert {p.name: p.options for p in network.points} == {
        "block_2_1": ("k3_e2", "k5_e2"),
        "block_2_2": ("k3_e2", "k5_e2", "skip"),
        "block_2_3": ("k3_e2", "k5_e2", "skip"),
    }
    assert [p.skips for p in network.points] == [frozenset(), {"skip"}, {"skip"}]


def test_derived_are_the_most_probable_networks():
    mobile = space()
    network, rng = mixed(mobile), np.random.default_rng(3)
    p = {point.name: rng.dirichlet(np.ones(len(point.options))) for point in network.points}
    best: dict[Architecture, float] = {}
    for kernels in product((3, 5), (3, 5, None), (3, 5, None)):
        there = [k for k in kernels if k]
        names = ["kernel_2_1", "kernel_2_2", "kernel_2_3"]
        architecture = mobile.architecture({"depth_2": len(there), **dict(zip(names, there, strict=False))})
        chance = np.prod([p[f"block_2_{b}"][(3, 5, None).index(k)] for b, k in enumerate(kernels, start=1)])
        best[architecture] = max(best.get(architecture, 0), chance)
    assert len(best) == mobile.size()
    assert list(network.derive(p, 100)) == sorted(best, key=best.__getitem__, reverse=True)
