"""A cell whose nodes take every state before them by every operation, for all spaces with cells.

Reference: Liu, Simonyan, Yang 2019, DARTS (arXiv:1806.09055), sections 2.1 to 2.4: an edge from each earlier state to each node,
a mixture of all operations and of `none` on it; of what has been trained, a node keeps its two strongest edges, and each edge
its strongest operation but `none`, where the strength is the probability among all of them. Edges may be weighed themselves:
Xu et al. 2020, PC-DARTS (arXiv:1907.05737), section 3.3.

The product of the probabilities of a node's two operations is the largest for just these two edges and operations; so this
product is what orders the cells that come next.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from itertools import combinations, product
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from archsmith.models.mixed.derivation import Chosen, Slot, logs, slot
from archsmith.models.mixed.network import Mixes, Mixing, Mixture, Point, weighed
from archsmith.models.mixed.partial import mixed_edge
from archsmith.models.operations import OPERATIONS
from archsmith.spaces.cells.cell_decisions import CellDecisions
from archsmith.spaces.cells.genotype import INPUTS, CellGenotype

NONE = "none"
SKIPS = frozenset({"skip_connect"})


class SearchedCell:
    """The points of one kind of cell, and what is derived from them.

    Point `{name}.edge_a_s` is the edge from state a to node s; `{name}.inputs_s`, where edges are weighed, those to node s.

    Args:
        decisions: What is decided on the cell.
        weighs_edges: Whether there is a point a node that weighs its edges, which are then no longer equal.
    """

    def __init__(self, decisions: CellDecisions, *, weighs_edges: bool = False) -> None:
        self.name = decisions.prefix
        self.states = decisions.states
        self.options = (NONE, *decisions.operations)
        self.weighs_edges = weighs_edges
        self._decisions = decisions

    def points(self) -> Iterator[Point]:
        """Yield the points, node by node."""
        for s in self.states:
            yield from (Point(self.edge(a, s), self.options, SKIPS & set(self.options)) for a in range(s))
            if self.weighs_edges:
                yield Point(self.inputs(s), tuple(map(str, range(s))))

    def edge(self, a: int, s: int) -> str:
        """Return the name of the point of an edge."""
        return f"{self.name}.edge_{a}_{s}"

    def inputs(self, s: int) -> str:
        """Return the name of the point that weighs the edges to a node."""
        return f"{self.name}.inputs_{s}"

    def chosen(self, genotype: CellGenotype) -> dict[str, tuple[str, ...]]:
        """Return the options of each point in a cell: `none` on an edge that it does not take."""
        found: dict[str, tuple[str, ...]] = {}
        for s in self.states:
            taken = genotype.node(s)
            for a in range(s):
                found[self.edge(a, s)] = tuple(op for op, source in taken if source == a) or (NONE,)
            found[self.inputs(s)] = tuple(dict.fromkeys(str(source) for _, source in taken))
        return found

    def slots(
        self, probabilities: Mapping[str, np.ndarray], has_meaning: Callable[[Chosen], bool] = lambda _: True
    ) -> Iterator[Slot]:
        """Yield a slot a node: two different edges, and an operation on each; see the module."""
        for s in self.states:
            edges = [logs(probabilities[self.edge(a, s)]) for a in range(s)]
            if self.weighs_edges:
                edges = [edge + weight for edge, weight in zip(edges, logs(probabilities[self.inputs(s)]), strict=True)]
            pairs = list(product(combinations(range(s), 2), range(1, len(self.options)), range(1, len(self.options))))
            ways = [self._decisions.write_node(s, ((self.options[k], a), (self.options[m], b))) for (a, b), k, m in pairs]
            yield slot(ways, np.array([edges[a][k] + edges[b][m] for (a, b), k, m in pairs]), has_meaning)


class MixedCell(nn.ModuleDict):
    """A cell with every operation on every edge: (B, C_0, H_0, W_0) and (B, C_1, H_1, W_1) -> (B, nodes * C, H, W).

    Args:
        cell: Its points.
        inputs: What brings its two inputs to its channels and size.
        channels: Of each node.
        stride: Of the operations on the inputs: 2 for a reduction cell.
        k: One in so many channels goes through the operations.
    """

    def __init__(self, cell: SearchedCell, inputs: tuple[nn.Module, nn.Module], channels: int, *, stride: int, k: int) -> None:
        super().__init__({"in_0": inputs[0], "in_1": inputs[1]})
        self.cell = cell
        operations = {op: OPERATIONS[op] for op in cell.options}
        for s in cell.states:
            edges = {
                f"from_{a}": mixed_edge(cell.edge(a, s), operations, channels, stride if a < INPUTS else 1, k) for a in range(s)
            }
            self[f"node_{s}"] = MixedNode(edges, cell.inputs(s) if cell.weighs_edges else None)

    def forward(self, before: Any, previous: Any, mixes: Mixes) -> Tensor:
        """Apply the cell to what its parts `in_0` and `in_1` take."""
        states = [
            part(x, mixes) if isinstance(part, Mixing) else part(x)
            for part, x in ((self["in_0"], before), (self["in_1"], previous))
        ]
        for s in self.cell.states:
            states.append(self[f"node_{s}"](states, mixes))
        return torch.cat(states[INPUTS:], 1)


class MixedNode(nn.ModuleDict):
    """The sum of a mixture on each state before it.

    Args:
        edges: The mixtures, in the order of the states.
        weighed_by: The name of the point that weighs them, if there is one.
    """

    def __init__(self, edges: Mapping[str, Mixture], weighed_by: str | None) -> None:
        super().__init__(edges)
        self.weighed_by = weighed_by

    def forward(self, states: list[Tensor], mixes: Mixes) -> Tensor:
        """Return (B, C, H, W), from states that the edges bring to this shape."""
        edges = [cast("Mixture", edge) for edge in self.values()]
        if self.weighed_by is None:
            terms: Iterator[Tensor] = (edge(x, mixes) for edge, x in zip(edges, states, strict=True))
            return reduce(torch.add, terms)
        return weighed(mixes[self.weighed_by], lambda a: edges[a](states[a], mixes))
