"""The mixed network of cells within a multi-branch network, against stand-alone networks and brute force."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mixed
from archsmith.spaces.macro.branch_of_cells import BranchOfCellsConfig, BranchOfCellsSpace
from archsmith.spaces.mixing import unmixable
from archsmith.values import Architecture, Fidelity

NETWORKS: dict[str, dict[str, Any]] = {
    "searched": {"macro": "multi-branch", "joins": ["sum"], "cells": 3, "blocks": 2},
    "searched, transitions": {
        "macro": "multi-branch",
        "joins": ["sum"],
        "blocks": 3,
        "reduction": "transition",
        "stem_stride": 2,
    },
    "residual": {"macro": "residual"},
    "dense": {"macro": "dense", "growth": 4, "blocks": 2},
    "chain": {"macro": "chain", "reduction": "transition", "blocks": 2},
}


def space(name: str, **settings: Any) -> BranchOfCellsSpace:
    return BranchOfCellsConfig.model_validate({"channels": 4, "nodes": 2, **NETWORKS[name], **settings}).build()


def mixed(macro: BranchOfCellsSpace, depth: float = 1.0) -> Mixed:
    return build_mixed(macro, (3, 8, 8), 4, fidelity=Fidelity(epochs=1, depth=depth))


def renamed(macro: BranchOfCellsSpace, architecture: Architecture) -> Callable[[str], str]:
    """Return from the name of a tensor of the stand-alone network to that of the mixed one."""
    cells = macro.cells(architecture)

    def rename(name: str) -> str:
        if macro.config.macro == "multi-branch":
            name = re.sub(r"(\.join|\.output)\.(layer_\d+|stem)\.", r"\1.\2.present.", name)
        found = re.search(r"\.(normal|reduce)\.node_(\d+)\.([ab])\.", name)
        if not found:
            return name
        _, source = cells[found[1]].node(int(found[2]))["ab".index(found[3])]
        return name.replace(f".{found[3]}.", f".from_{source}.", 1)

    return rename


@pytest.mark.parametrize("name", NETWORKS)
def test_on_the_path_of_an_architecture_it_is_the_stand_alone_network(name, assert_agrees):
    macro = space(name)
    assert unmixable(macro) is None
    network, rng = mixed(macro), np.random.default_rng(0)
    for architecture in (macro.sample(rng) for _ in range(2)):
        assert_agrees(network, macro, architecture, renamed(macro, architecture))


def test_derived_are_the_most_probable_of_different_networks():
    macro = space("searched", nodes=1, cells=2, blocks=2, operations=["skip_connect", "conv_3x3"])
    network, rng = mixed(macro), np.random.default_rng(0)
    p = {point.name: rng.dirichlet(np.ones(len(point.options))) for point in network.points}
    best: dict[Architecture, float] = {}
    for architecture in macro.enumerate():
        path = network.path(architecture)
        chosen = [name for name in p if ".edge_" not in name] + [
            f"{kind}.edge_{a}_{s}"
            for kind, cell in macro.cells(architecture).items()
            for s in cell.states
            for _, a in cell.node(s)
        ]
        chance = np.prod([p[name][path[name][0]] for name in chosen])
        best[macro.canonical(architecture)] = max(best.get(macro.canonical(architecture), 0), chance)
    assert list(network.derive(p, 10_000)) == sorted(best, key=best.__getitem__, reverse=True)


def test_connections_are_points_where_they_are_searched():
    names = [p.name for p in mixed(space("searched")).points if "edge" not in p.name]
    # Two blocks of three cells, with a reduction, which is layer 4, between them.
    assert names == [
        "skip_2_0", "skip_3_1", "skip_3_0", "skip_4_2", "skip_4_1", "skip_4_0",
        "skip_6_4", "skip_7_5", "skip_7_4", "skip_output_6", "skip_output_5", "skip_output_4",
    ]  # fmt: skip
    assert all("edge" in p.name for p in mixed(space("residual")).points)
