"""One cell for all cells with the same network: those that differ in the order of their nodes or of a node's operations.

It is exact, by colour refinement: a node's colour is what it computes, then who takes it (Weisfeiler and Leman 1968, "The
reduction of a graph to canonical form"). Nodes that have one colour still and are taken by others are tried in every
order; there are hardly ever any. Weights play no part: two nodes that compute alike stay two nodes.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, permutations, product
from typing import Any

from archsmith.spaces.cells.genotype import INPUTS, CellGenotype, Pair

Colors = Mapping[int, tuple[int, ...]]
"""Of each state what is known of it apart from its number; the first entry grows along every path."""


@lru_cache(maxsize=65_536)
def canonical_cell(cell: CellGenotype) -> CellGenotype:
    """Return the one that stands for all cells isomorphic to `cell`; it keeps which nodes are concatenated."""
    colors = _refined(cell, _computed(cell))
    return min((_renumbered(cell, groups) for groups in _orders(cell, colors)), key=lambda c: c.pairs)


def _computed(cell: CellGenotype) -> dict[int, tuple[int, ...]]:
    """Color each state by its depth, and by what it computes among the states of that depth."""
    depth = {0: 0, 1: 0}
    for state in cell.states:
        depth[state] = 1 + max(depth[source] for _, source in cell.node(state))
    colors: dict[int, tuple[int, ...]] = {0: (0, 0), 1: (0, 1)}
    for level in range(1, max(depth.values()) + 1):
        here = [s for s in cell.states if depth[s] == level]
        does = {s: (s in cell.concat, sorted((op, colors[source]) for op, source in cell.node(s))) for s in here}
        colors |= {s: (level, rank) for s, rank in _ranks(does).items()}
    return colors


def _refined(cell: CellGenotype, colors: Colors) -> Colors:
    """Tell states of one color apart by those that they take and that take them, until that tells no more apart."""
    while True:
        seen: dict[int, Any] = {s: (colors[s], _takes(cell, s, colors), sorted(_uses(cell, s, colors))) for s in colors}
        ranks = _ranks(seen)
        if len(set(ranks.values())) == len(set(colors.values())):
            return colors
        colors = {s: (colors[s][0], ranks[s]) for s in colors}


def _takes(cell: CellGenotype, state: int, colors: Colors) -> list[tuple[Any, ...]]:
    """Return what a node applies to which color; nothing for an input of the cell."""
    return sorted((op, colors[source]) for op, source in cell.node(state)) if state >= INPUTS else []


def _uses(cell: CellGenotype, state: int, colors: Colors) -> Iterator[tuple[Any, ...]]:
    """Yield how each node takes `state`: by which operation, and next to what."""
    for user in cell.states:
        pairs = cell.node(user)
        for (op, source), (other, beside) in (pairs, pairs[::-1]):
            if source == state:
                yield (colors[user], op, other, colors[beside], beside == state)


def _ranks(of: Mapping[int, Any]) -> dict[int, int]:
    """Return each value's place among the different ones."""
    places: dict[int, int] = {}
    rank, last = -1, None
    for state in sorted(of, key=of.__getitem__):
        rank, last = (rank, last) if of[state] == last else (rank + 1, of[state])
        places[state] = rank
    return places


def _orders(cell: CellGenotype, colors: Colors) -> Iterator[tuple[Sequence[int], ...]]:
    """Yield the nodes grouped by color, each group that others take in every order."""
    groups = [list(group) for _, group in groupby(sorted(cell.states, key=colors.__getitem__), key=colors.__getitem__)]
    return product(*(permutations(group) if group[0] in cell.used else [group] for group in groups))


def _renumbered(cell: CellGenotype, groups: Sequence[Sequence[int]]) -> CellGenotype:
    """Return the cell with its nodes in this order, the pairs of each by state and operation."""
    new = {0: 0, 1: 1, **{old: INPUTS + k for k, old in enumerate(s for group in groups for s in group)}}
    nodes: list[list[Pair]] = []
    for group in groups:
        pairs = [sorted(((op, new[s]) for op, s in cell.node(old)), key=lambda pair: pair[::-1]) for old in group]
        # Nothing names the nodes of such a group, so that they can be sorted: the least order without trying any.
        nodes += pairs if group[0] in cell.used else sorted(pairs)
    return CellGenotype(tuple(pair for node in nodes for pair in node), tuple(sorted(new[s] for s in cell.concat)))
