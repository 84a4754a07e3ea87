"""The canonical cell, against networkx and against every order of the nodes."""

import time
from collections import Counter
from itertools import combinations, permutations

import networkx as nx
import numpy as np
import pytest

from archsmith.spaces.cells.genotype import CellGenotype, loose_ends
from archsmith.spaces.cells.isomorphism import canonical_cell


def drawn(rng: np.random.Generator, nodes: int, operations: str, *, unused: bool) -> CellGenotype:
    states = [int(rng.integers(2 + k // 2)) for k in range(2 * nodes)]
    pairs = tuple((str(rng.choice(list(operations))), s) for s in states)
    return CellGenotype(pairs, loose_ends(pairs) if unused else tuple(range(2, 2 + nodes)))


def as_graph(cell: CellGenotype) -> nx.DiGraph:
    """A graph with a node for each state and each operation; colors say what they are."""
    graph = nx.DiGraph()
    for state in (0, 1, *cell.states):
        graph.add_node(state, color=f"input {state}" if state < 2 else f"sum {state in cell.concat}")
    for k, (op, state) in enumerate(cell.pairs):
        graph.add_node(f"op {k}", color=op)
        graph.add_edges_from([(state, f"op {k}"), (f"op {k}", k // 2 + 2)])
    return graph


def isomorphic(a: CellGenotype, b: CellGenotype) -> bool:
    return nx.is_isomorphic(as_graph(a), as_graph(b), node_match=lambda x, y: x["color"] == y["color"])


def relabelled(cell: CellGenotype) -> set[CellGenotype]:
    """Every cell that differs from `cell` in the order of its nodes, and of the pairs of each."""
    found = set()
    for order in permutations(cell.states):
        new = {0: 0, 1: 1, **{old: 2 + k for k, old in enumerate(order)}}
        pairs = [(op, new[s]) for old in order for op, s in sorted(cell.node(old), reverse=True)]
        if all(s < 2 + k // 2 for k, (_, s) in enumerate(pairs)):
            found.add(CellGenotype(tuple(pairs), tuple(sorted(new[s] for s in cell.concat))))
    return found


@pytest.mark.parametrize(("nodes", "operations"), [(2, "ab"), (3, "a"), (3, "ab"), (4, "a"), (5, "a")])
@pytest.mark.parametrize("unused", [False, True])
def test_two_cells_have_one_canonical_form_exactly_if_networkx_calls_them_isomorphic(
    nodes: int, operations: str, unused: bool
) -> None:
    rng = np.random.default_rng(nodes)
    cells = [drawn(rng, nodes, operations, unused=unused) for _ in range(40)]
    for a, b in combinations(cells, 2):
        if Counter(op for op, _ in a.pairs) == Counter(op for op, _ in b.pairs):
            assert (canonical_cell(a) == canonical_cell(b)) == isomorphic(a, b)


@pytest.mark.parametrize(("nodes", "operations"), [(4, "abc"), (5, "ab"), (5, "a")])
def test_every_order_of_the_nodes_and_of_their_operations_has_the_same_canonical_form(nodes: int, operations: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        cell = drawn(rng, nodes, operations, unused=bool(rng.integers(2)))
        assert {canonical_cell(other) for other in relabelled(cell)} == {canonical_cell(cell)}
        assert isomorphic(cell, canonical_cell(cell))


def test_nodes_that_compute_alike_are_not_merged() -> None:
    shared = CellGenotype((("a", 0), ("a", 1), ("a", 0), ("a", 1), ("b", 2), ("b", 2)), (2, 3, 4))
    apart = CellGenotype((("a", 0), ("a", 1), ("a", 0), ("a", 1), ("b", 2), ("b", 3)), (2, 3, 4))
    assert canonical_cell(shared) != canonical_cell(apart)


def test_the_two_inputs_of_a_cell_are_told_apart() -> None:
    one, other = (CellGenotype((("a", s), ("b", 1 - s)), (2,)) for s in (0, 1))
    assert canonical_cell(one) != canonical_cell(other)


def test_the_nodes_of_the_largest_cell_of_equal_ones_are_not_tried_in_every_order() -> None:
    cell = CellGenotype((("a", 0), ("a", 1)) * 8, tuple(range(2, 10)))
    started = time.process_time()
    canonical_cell(cell)
    assert time.process_time() - started < 0.2  # its 40,320 orders would take seconds
