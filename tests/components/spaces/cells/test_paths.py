"""The path encoding, against paths that networkx lists."""

import networkx as nx
import numpy as np
import pytest

from archsmith.spaces.cells.genotype import CellGenotype, loose_ends
from archsmith.spaces.cells.isomorphism import canonical_cell
from archsmith.spaces.cells.paths import PathEncoding, paths


def listed(cell: CellGenotype, longest: int) -> set[tuple[str, ...]]:
    graph = nx.MultiDiGraph()
    for k, (op, state) in enumerate(cell.pairs):
        graph.add_edge(state, k // 2 + 2, op=op)
    found = set()
    for start in {0, 1} & set(graph):
        for end in cell.concat:
            for path in nx.all_simple_edge_paths(graph, start, end):
                found.add((str(start), *(graph.edges[edge]["op"] for edge in path)))
    return {path for path in found if len(path) <= longest + 1}


@pytest.mark.parametrize("longest", [1, 2, 4])
def test_the_paths_are_those_that_networkx_lists(longest: int) -> None:
    rng = np.random.default_rng(longest)
    for _ in range(50):
        pairs = tuple((str(rng.choice(["a", "b"])), int(rng.integers(2 + k // 2))) for k in range(8))
        for cell in (CellGenotype(pairs, (2, 3, 4, 5)), CellGenotype(pairs, loose_ends(pairs))):
            assert paths(cell, longest) == listed(cell, longest)
            encoding = PathEncoding("ab", longest=longest).encode(cell)
            assert encoding.sum() == len(listed(cell, longest))
            assert set(encoding) <= {0.0, 1.0}
            assert np.array_equal(encoding, PathEncoding("ab", longest=longest).encode(canonical_cell(cell)))


def test_there_is_an_entry_for_every_path_from_either_input() -> None:
    cell = CellGenotype((("a", 0), ("a", 1)), (2,))
    assert PathEncoding("abcdefg", longest=2).encode(cell).shape == (2 * (7 + 7**2),)
