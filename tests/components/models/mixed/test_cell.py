"""The mixed network of the cell space, against stand-alone networks, the rule of DARTS' paper, and brute force."""

import re
from typing import Any

import numpy as np
import pytest
import torch

from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mixed
from archsmith.spaces.cells.cell import CellConfig, CellSpace
from archsmith.spaces.cells.genotype import CellGenotype, Genotype
from archsmith.values import Architecture, Fidelity


def space(**settings: Any) -> CellSpace:
    return CellConfig.model_validate({"cells": 3, "channels": 4, "nodes": 2, **settings}).build()


def mixed(cells: CellSpace, **settings: Any) -> Mixed:
    return build_mixed(cells, (3, 8, 8), 4, fidelity=Fidelity(epochs=1), **settings)


def random(network: Mixed, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {p.name: rng.dirichlet(np.ones(len(p.options))) for p in network.points}


def edges(cells: CellSpace, architecture: Architecture) -> dict[str, str]:
    """Return the operation of each edge that the cells take, by the name of its point."""
    found = cells.cells(architecture)
    return {f"{kind}.edge_{a}_{s}": op for kind, c in found.items() for s in c.states for op, a in c.node(s)}


def renamed(cells: CellSpace, architecture: Architecture, kinds: str):
    """Return from the name of a tensor of the stand-alone network to that of the mixed one."""
    genotype = cells.genotype(architecture)

    def rename(name: str) -> str:
        found = re.match(r"cells\.cell_(\d+)\.node_(\d+)\.([ab])\.", name)
        if not found:
            return name
        number, node, side = int(found[1]), int(found[2]), found[3]
        cell = genotype.normal if kinds[number - 1] == "N" else genotype.reduce
        assert cell is not None
        return name.replace(f".{side}.", f".from_{cell.node(node)['ab'.index(side)][1]}.", 1)

    return rename


@pytest.mark.parametrize(
    "settings",
    [{}, {"separate_reduction": False}, {"reduce_at": [], "stem_stride": 2}, {"cells": 1, "reduce_at": [], "inputs": "free"}],
)
def test_with_the_edges_of_an_architecture_it_is_the_stand_alone_network(settings, assert_agrees):
    cells = space(**settings)
    network, rng = mixed(cells, weighs_edges="stem_stride" in settings), np.random.default_rng(0)
    kinds = "".join("N" if kind == "normal" else "R" for kind in cells.config.stack)
    for _ in range(4):
        architecture = cells.sample(rng)
        assert_agrees(network, cells, architecture, renamed(cells, architecture, kinds))


def test_it_has_the_points_of_the_paper():
    network = mixed(space(nodes=4))
    assert len(network.points) == 2 * 14
    assert {len(p.options) for p in network.points} == {8}
    assert all(p.skips == {"skip_connect"} for p in network.points)
    assert {len(places) for name, places in network.mixtures().items() if name.startswith("normal")} == {1}
    assert {len(places) for name, places in network.mixtures().items() if name.startswith("reduce")} == {2}


def test_it_has_the_parameters_of_the_published_code():
    with torch.device("meta"):
        network = build_mixed(CellConfig().build(), (3, 32, 32), 10, fidelity=Fidelity(epochs=1))
    assert sum(p.numel() for p in network.parameters()) == 1_930_618  # what its search logs: "param size = 1.930618MB"


def rule_of_the_paper(strengths: dict[str, np.ndarray], kind: str, nodes: int, operations: tuple[str, ...]) -> CellGenotype:
    """Section 2.4: each node keeps the two strongest operations, but zero, from different nodes; `none` is the first option."""
    pairs: list[tuple[str, int]] = []
    for s in range(2, 2 + nodes):
        of = {a: strengths[f"{kind}.edge_{a}_{s}"][1:] for a in range(s)}
        strongest = sorted(of, key=lambda a, of=of: max(of[a]))[-2:]
        pairs += [(operations[int(np.argmax(of[a]))], a) for a in strongest]
    return CellGenotype(tuple(pairs), tuple(range(2, 2 + nodes)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighs_edges", [False, True])
def test_derived_first_is_what_the_paper_derives(seed, weighs_edges):
    cells = space(nodes=4)
    network = mixed(cells, weighs_edges=weighs_edges)
    p = given = random(network, seed)
    if weighs_edges:  # PC-DARTS, section 3.3: the strength of an edge's operation is the product of the two
        edges = [name for name in p if ".edge_" in name]
        p = {name: p[name] * p[f"{name[:6]}.inputs_{name[-1]}"][int(name[-3])] for name in edges}
    normal, reduce = (rule_of_the_paper(p, kind, 4, cells.searched["normal"].operations) for kind in ("normal", "reduce"))
    expected = cells.canonical(cells.architecture(cells.decided(Genotype(normal, reduce))))
    assert network.derive(given, 1) == (expected,)


@pytest.mark.parametrize("inputs", ["distinct", "free"])
def test_those_derived_next_are_the_most_probable_of_different_ones(inputs):
    cells = space(cells=1, reduce_at=[], operations=["skip_connect", "conv_3x3", "conv_1x1"], inputs=inputs)
    network = mixed(cells)
    p, best = random(network), dict[Architecture, float]()
    for architecture in cells.enumerate():
        chosen = edges(cells, architecture)
        if len(chosen) < 4:
            continue  # two operations on one edge, which a mixture of its operations does not have
        chance = np.prod([p[name][(1 + cells.searched["normal"].operations.index(op))] for name, op in chosen.items()])
        best[cells.canonical(architecture)] = max(best.get(cells.canonical(architecture), 0), chance)
    assert list(network.derive(p, 1000)) == sorted(best, key=best.__getitem__, reverse=True)
