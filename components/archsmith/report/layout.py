"""Where the nodes and edges of a graph are drawn: layers from top to bottom.

Reference: Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (IEEE Transactions on Systems, Man, and Cybernetics, 1981). Layers are by longest path;
an edge that crosses layers passes each through a slot of its own, so no curve runs through a box.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise

from archsmith.report.spread import spread
from archsmith.spaces.graph import Edge, Graph

Slot = str | tuple[int, int]
"""A place in a layer: a node's id, or the number of an edge that passes and the layer."""
Point = tuple[float, float]

_SWEEPS = 12
_RELAXATIONS = 80
_STRAIGHT = {0: 1.0, 1: 0.001, 2: 0.01}
"""How much a link resists leaning, by how many of its ends are slots of passing edges: a skip connection
bends around the chain that it skips, and not the chain around it."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lengths in inches."""

    width: float
    """Of a node."""
    height: float
    """Of a node."""
    across: float = 0.3
    """Between neighbours in a layer."""
    down: float = 0.3
    """Between layers."""
    passing: float = 0.12
    """Width that an edge takes in a layer that it passes."""
    character: float = 0.075
    """Width of a character of an edge's label."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions in inches; x goes to the right from 0, y downwards from 0."""

    nodes: Mapping[str, Point]
    """Centre of each node."""
    routes: tuple[tuple[Point, ...], ...]
    """For each edge the points that it goes through, from the foot of its source to the head of its target."""
    labels: tuple[Point | None, ...]
    """For each edge the centre of its label."""
    width: float
    """Of the whole."""
    height: float
    """Of the whole."""


def layout(graph: Graph, sizes: Sizes) -> Layout:
    """Place the nodes of `graph` and route its edges.

    Raises:
        ValueError: The graph has a cycle.
    """
    layer = layers(graph)
    paths = [_path(number, edge, layer) for number, edge in enumerate(graph.edges)]
    rows: list[list[Slot]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for slot in dict.fromkeys([*layer, *(s for path in paths for s in path)]):
        rows[_layer(slot, layer)].append(slot)
    links = [(a, b) for path in paths for a, b in pairwise(path)]
    rows = _order(rows, links)
    widths = {slot: _width(slot, graph, sizes) for row in rows for slot in row}
    return _finish(graph, sizes, rows, paths, _columns(rows, links, widths, sizes))


def layers(graph: Graph) -> dict[str, int]:
    """Return each node's layer: the longest path to it, where an edge with a label counts twice to make room for it."""
    into: dict[str, list[Edge]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        into[edge.target].append(edge)
    order = TopologicalSorter({node: [edge.source for edge in edges] for node, edges in into.items()}).static_order()
    layer: dict[str, int] = {}
    for node in order:
        layer[node] = max((layer[e.source] + (2 if e.label else 1) for e in into[node]), default=0)
    return {node.id: layer[node.id] for node in graph.nodes}


def crossings(above: Sequence[Slot], below: Sequence[Slot], links: Sequence[tuple[Slot, Slot]]) -> int:
    """Count the pairs of links between two layers that cross."""
    start, end = ({slot: i for i, slot in enumerate(row)} for row in (above, below))
    ends = [(start[a], end[b]) for a, b in links if a in start and b in end]
    return sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[:i])


def _path(number: int, edge: Edge, layer: Mapping[str, int]) -> list[Slot]:
    """Return an edge's slots from its source to its target, one a layer."""
    return [edge.source, *((number, k) for k in range(layer[edge.source] + 1, layer[edge.target])), edge.target]


def _layer(slot: Slot, layer: Mapping[str, int]) -> int:
    return layer[slot] if isinstance(slot, str) else slot[1]


def _width(slot: Slot, graph: Graph, sizes: Sizes) -> float:
    if isinstance(slot, str):
        return sizes.width
    return max(sizes.passing, sizes.character * len(graph.edges[slot[0]].label))


def _neighbours(links: Sequence[tuple[Slot, Slot]]) -> tuple[dict[Slot, list[Slot]], dict[Slot, list[Slot]]]:
    """Return for each slot those above it, and those below it."""
    above: dict[Slot, list[Slot]] = {}
    below: dict[Slot, list[Slot]] = {}
    for a, b in links:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    return above, below


def _order(rows: list[list[Slot]], links: Sequence[tuple[Slot, Slot]]) -> list[list[Slot]]:
    """Sort each layer by the mean place of its neighbours, down and up by turns, and keep the best order seen."""
    above, below = _neighbours(links)
    best, fewest = rows, _crossings(rows, links)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        near, walk = (above, rows) if sweep % 2 == 0 else (below, rows[::-1])
        walk = [list(row) for row in walk]
        for fixed, row in pairwise(walk):
            place = {slot: float(i) for i, slot in enumerate(fixed)}
            here = {slot: float(i) for i, slot in enumerate(row)}
            row.sort(key=lambda s, p=place, h=here: _mean([p[n] for n in near.get(s, ())], h[s]))  # type: ignore[misc]
        rows = walk if sweep % 2 == 0 else walk[::-1]
        if (found := _crossings(rows, links)) < fewest:
            best, fewest = rows, found
    return best


def _crossings(rows: Sequence[Sequence[Slot]], links: Sequence[tuple[Slot, Slot]]) -> int:
    return sum(crossings(a, b, links) for a, b in pairwise(rows))


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def _columns(
    rows: Sequence[Sequence[Slot]], links: Sequence[tuple[Slot, Slot]], widths: Mapping[Slot, float], sizes: Sizes
) -> dict[Slot, float]:
    """Return each slot's x: layer by layer as near to its neighbours as the room in its layer allows."""
    above, below = _neighbours(links)
    gaps = [[(widths[a] + widths[b]) / 2 + sizes.across for a, b in pairwise(row)] for row in rows]
    x = {slot: place for row, gap in zip(rows, gaps, strict=True) for slot, place in _centred(row, gap)}
    order = [*range(len(rows)), *reversed(range(len(rows)))]
    for _ in range(_RELAXATIONS):
        for k in order:
            pulls = [_pull(slot, [*above.get(slot, ()), *below.get(slot, ())], x) for slot in rows[k]]
            x.update(zip(rows[k], spread([p for p, _ in pulls], gaps[k], [w for _, w in pulls]), strict=True))
    left = min((x[slot] - widths[slot] / 2 for slot in x), default=0.0)
    return {slot: place - left for slot, place in x.items()}


def _centred(row: Sequence[Slot], gaps: Sequence[float]) -> list[tuple[Slot, float]]:
    places = spread([-sum(gaps) / 2 + sum(gaps[:i]) for i in range(len(row))], gaps)
    return list(zip(row, places, strict=True))


def _pull(slot: Slot, near: Sequence[Slot], x: Mapping[Slot, float]) -> tuple[float, float]:
    """Return where a slot's links pull it, and how strongly."""
    weights = [_STRAIGHT[isinstance(slot, tuple) + isinstance(n, tuple)] for n in near]
    if not weights:
        return x[slot], 1.0
    return sum(w * x[n] for w, n in zip(weights, near, strict=True)) / sum(weights), sum(weights)


def _finish(
    graph: Graph, sizes: Sizes, rows: Sequence[Sequence[Slot]], paths: Sequence[Sequence[Slot]], x: Mapping[Slot, float]
) -> Layout:
    """Turn slots into points."""
    pitch = sizes.height + sizes.down
    centre = {slot: (x[slot], k * pitch + sizes.height / 2) for k, row in enumerate(rows) for slot in row}
    half = sizes.height / 2
    routes = []
    for path in paths:
        passed = [(centre[s][0], centre[s][1] + side) for s in path for side in (-half, half)]
        routes.append(tuple(passed[1:-1]))
    middles = [path[len(path) // 2] for path in paths]
    labels = tuple(centre[m] if e.label else None for e, m in zip(graph.edges, middles, strict=True))
    return Layout(
        {node.id: centre[node.id] for node in graph.nodes},
        tuple(routes),
        labels,
        max((x[s] + _width(s, graph, sizes) / 2 for s in x), default=0.0),
        max(0.0, len(rows) * pitch - sizes.down),
    )
