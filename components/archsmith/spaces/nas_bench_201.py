"""The space of NAS-Bench-201: one cell of 4 nodes and 6 edges, each edge one of 5 operations, stacked into a network.

Reference: Dong, Yang 2020, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search
(arXiv:2001.00326), section 2.

Deviation: the paper counts 6,466 different cells by comparing how their outputs are written out as expressions. Here
5,044 are left, as more edges are known to be dead and pooling is known to be linear; and where the paper writes one
convolution that is used twice like two convolutions with weights of their own, the two are told apart.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise, product
from typing import Annotated, cast

import numpy as np
from pydantic import Field

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Inset, Node
from archsmith.spaces.settings import Count
from archsmith.spaces.space import SpaceConfig
from archsmith.spaces.stages import stack
from archsmith.values import Architecture

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""What an edge can be; a convolution is ReLU, convolution, batch normalisation."""
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Source and target of each edge, in the order of the notation; node 0 is the cell's input, node 3 its output."""

_ROUTES = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""Every way from the input to the output, as places in `EDGES`."""
_PATHS = {path: k for k, path in enumerate(p for n in range(4) for p in product(OPERATIONS[2:], repeat=n))}
"""What can lie on such a way, skips left out, to its place in the path encoding."""
_NOTATION = re.compile(r"\+".join(r"\|" + "".join(rf"([^|~]+)~{i}\|" for i in range(node)) for node in (1, 2, 3)))

Cell = tuple[str, ...]
"""An operation for each of `EDGES`."""


class NasBench201Config(SpaceConfig):
    """The cells of NAS-Bench-201: 6 edges, 5 operations, 15,625 architectures; stacked in three stages.

    Between the stages, a residual block halves height and width and doubles the channels.
    """

    channels: Count = 16
    """Channels of the first stage, at full width."""
    cells: Annotated[int, Field(ge=1, le=100)] = 5
    """Cells of each stage, at full depth."""

    def build(self) -> "NasBench201Space":
        """Make the space."""
        return NasBench201Space(self)


class NasBench201Space(DecisionSpace):
    """The space of NAS-Bench-201. The decision `op_I_J` is the operation from node I to node J, in the notation's order."""

    def __init__(self, config: NasBench201Config) -> None:
        edges = (Decision(f"op_{source}_{target}", OPERATIONS) for source, target in EDGES)
        super().__init__("nas-bench-201", (*edges, *config.training_decisions()))
        self.channels = config.channels
        self.cells = config.cells

    def cell(self, architecture: Architecture) -> Cell:
        """Return the operation of each edge, those of dead edges included."""
        return cast("Cell", architecture.choices[: len(EDGES)])

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the first architecture, in the order of enumeration, whose cell computes the same."""
        cell = self.cell(architecture)
        first = _representatives()[cell]
        return architecture if first == cell else Architecture(self.name, first + architecture.choices[len(EDGES) :])

    def features(self, architecture: Architecture) -> np.ndarray:
        """Return the choices one-hot, then the path encoding: which sequences of operations lead to the output.

        Skips are left out of the sequences, so that equal networks have equal paths; there are 1 + 3 + 9 + 27.

        Returns:
            (n_features,), float64, each 0 or 1.

        Reference: White, Neiswanger, Savani 2021, BANANAS (arXiv:1910.11858), section 3.
        """
        cell, paths = self.cell(architecture), np.zeros(len(_PATHS))
        for route in _ROUTES:
            operations = [cell[edge] for edge in route]
            if "none" not in operations:
                paths[_PATHS[tuple(op for op in operations if op != "skip_connect")]] = 1.0
        return np.concatenate([super().features(architecture), paths])

    def to_text(self, architecture: Architecture) -> str:
        """Return the paper's notation: for each node, the operations and the nodes that they come from.

        Settings of the training follow as `decision=choice`.
        """
        words = [f"{operation}~{source}|" for operation, (source, _) in zip(self.cell(architecture), EDGES, strict=True)]
        settings = list(self.assignment(architecture).items())[len(EDGES) :]
        nodes = "+".join("|" + "".join(words[first:last]) for first, last in pairwise((0, 1, 3, 6)))
        return " ".join([nodes, *(f"{name}={choice}" for name, choice in settings)])

    def from_text(self, text: str) -> Architecture:
        """Read what `to_text` wrote; raises `ValueError` where it is no architecture of this space."""
        nodes, *settings = text.split() or [""]
        found = _NOTATION.fullmatch(nodes)
        if not found:
            example = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
            raise ValueError(f"The cell is {nodes!r}, but must name an operation and its source for 6 edges, as in {example}.")
        edges = (f"{decision.name}={op}" for decision, op in zip(self.decisions, found.groups(), strict=False))
        return super().from_text(" ".join([*edges, *settings]))

    def graph(self, architecture: Architecture) -> Graph:
        """Return the stack, and the cell as its inset: nodes are sums, and edges are labelled with their operations."""
        nodes = tuple(stack(self.channels, self.cells))
        edges = tuple(Edge(a.id, b.id) for a, b in pairwise(nodes))
        return Graph(nodes, edges, (Inset("cell", _cell_graph(pruned(self.cell(architecture)))),))


def pruned(cell: Cell) -> Cell:
    """Return the cell with `none` for each dead edge: one that the input does not reach, or that does not reach the output."""
    reached, leading = {0}, {3}
    for operation, (source, target) in zip(cell, EDGES, strict=True):
        if operation != "none" and source in reached:
            reached.add(target)
    for operation, (source, target) in zip(cell[::-1], EDGES[::-1], strict=True):
        if operation != "none" and target in leading:
            leading.add(source)
    live = (source in reached and target in leading for source, target in EDGES)
    return tuple(operation if alive else "none" for operation, alive in zip(cell, live, strict=True))


@cache
def _representatives() -> Mapping[Cell, Cell]:
    """Return the first of all cells that compute the same, for every cell; it takes about 0.1 s, once."""
    first: dict[str, Cell] = {}
    return {cell: first.setdefault(_expression(cell), cell) for cell in product(OPERATIONS, repeat=len(EDGES))}


def _expression(cell: Cell) -> str:
    """Write the cell's output as a sum of terms in x, its input; two cells compute the same if these are the same.

    A convolution is a function of its own that is known only by its kernel. All but one are used at most once; the one
    from node 0 to node 1 is used twice if both ways on from node 1 are there, and is then marked.
    """
    to_1, to_2, between, skip_2, skip_1, last = cell
    mark = "*" if "none" not in (between, skip_1, last) else ""
    node_1 = _terms(to_1, ["x"], mark)
    node_2 = _terms(to_2, ["x"]) + _terms(between, node_1)
    return "+".join(sorted(_terms(skip_2, ["x"]) + _terms(skip_1, node_1) + _terms(last, node_2)))


def _terms(operation: str, terms: Sequence[str], mark: str = "") -> list[str]:
    """Apply an operation to a sum of terms."""
    if operation == "none" or not terms:
        return []
    if operation == "skip_connect":
        return list(terms)
    if operation == "avg_pool_3x3":  # the mean of a sum is the sum of the means
        return [f"mean {term}" for term in terms]
    return [f"{operation}{mark}({'+'.join(sorted(terms))})"]


def _cell_graph(cell: Cell) -> Graph:
    """Return the nodes of a pruned cell and the operations between them; input and output are always there."""
    live = [(source, target, op) for op, (source, target) in zip(cell, EDGES, strict=True) if op != "none"]
    inner = sorted({target for _, target, _ in live} - {3})
    nodes = [Node("0", "input", "input"), *(Node(str(i), f"node {i}", "add") for i in inner), Node("3", "output", "output")]
    return Graph(tuple(nodes), tuple(Edge(str(source), str(target), operation) for source, target, operation in live))
