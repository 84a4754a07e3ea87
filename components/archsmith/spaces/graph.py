"""A network as nodes and edges, for pictures."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Node:
    """A layer of the network."""

    id: str
    """Unique in its graph."""
    label: str
    """What to write on it: `conv 3x3, 32`."""
    kind: str
    """The operation, which gives it its colour: `input`, `conv`, `pool`, `dense`, `output` and so on."""
    details: Mapping[str, str] = field(default_factory=dict)
    """More to know, for a tooltip."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Data that goes from one layer to another."""

    source: str
    """Id of a node."""
    target: str
    """Id of a node."""
    label: str = ""
    """What to write on it."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A directed acyclic graph of layers, sources before targets."""

    nodes: tuple[Node, ...]
    """The layers."""
    edges: tuple[Edge, ...]
    """Their connections."""
    insets: tuple["Inset", ...] = ()
    """What is inside of nodes that stand for several layers, such as the cells of a stack."""

    def __post_init__(self) -> None:
        ids = {node.id for node in self.nodes}
        if len(ids) != len(self.nodes):
            raise ValueError("Two nodes of a graph have the same id.")
        for edge in self.edges:
            if not {edge.source, edge.target} <= ids:
                raise ValueError(f"The edge {edge.source} -> {edge.target} names a node that the graph lacks.")


@dataclass(frozen=True, slots=True)
class Inset:
    """The inside of a node, drawn once beside the whole though the node may be there many times."""

    title: str
    """What it is called in the whole: `normal cell`."""
    graph: Graph
    """Its layers."""
