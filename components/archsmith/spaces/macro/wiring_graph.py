"""A multi-branch network as nodes and edges, for pictures."""

from collections.abc import Callable, Iterator

from archsmith.spaces.graph import Edge, Graph, Inset, Node
from archsmith.spaces.macro.wiring import STEM, Layer, Wiring

Reader = tuple[Node, tuple[int, ...], str]
"""A node, the numbers of the outputs that it reads, and how they are joined."""


def node_id(number: int) -> str:
    """Return the id of a layer's node, or of the stem's."""
    return "stem" if number == STEM else f"layer_{number}"


def wiring_graph(
    wiring: Wiring,
    stem: Node,
    node_of: Callable[[Layer], Node],
    pool: Node,
    *,
    insets: tuple[Inset, ...] = (),
    running: bool = False,
) -> Graph:
    """Return the network from the image to the classifier, with a node for each join.

    Args:
        wiring: Which layer reads which.
        stem: The node of the stem, with the id that `node_id` gives.
        node_of: Returns the node of a layer, with the id that `node_id` gives.
        pool: The node that comes before the classifier.
        insets: What is inside of nodes.
        running: Whether a join reads, instead of outputs that are joined already, that earlier join: the usual picture
            of residual and dense networks.
    """
    readers: list[Reader] = [(node_of(layer), layer.inputs, layer.join) for layer in wiring.layers]
    readers.append((pool, wiring.inputs, wiring.join))
    output = Node("output", "classifier", "output")
    joins = _joins(readers, running)
    nodes = [joined for node, _, _ in readers for joined in ([joins[node.id][0], node] if node.id in joins else [node])]
    edges = [edge for reader in readers for edge in _edges(reader, joins)]
    return Graph(
        (Node("input", "image", "input"), stem, *nodes, output),
        (Edge("input", stem.id), *edges, Edge(pool.id, output.id)),
        insets,
    )


def _joins(readers: list[Reader], running: bool) -> dict[str, tuple[Node, tuple[str, ...]]]:
    """Return, by the id of their reader, the nodes that join several inputs, and what each of them reads."""
    joins: dict[str, tuple[Node, tuple[str, ...]]] = {}
    before: dict[tuple[tuple[int, ...], str], str] = {}
    for node, inputs, join in readers:
        if len(inputs) == 1:
            continue
        of = ", ".join("stem" if j == STEM else str(j) for j in inputs)
        joined = Node(f"join_{node.id}", join, "add" if join == "sum" else join, {"of": of})
        earlier = before.get((inputs[1:], join)) if running else None
        read = (node_id(inputs[0]), earlier) if earlier else tuple(map(node_id, inputs))
        joins[node.id] = joined, read
        before.setdefault((inputs, join), joined.id)
    return joins


def _edges(reader: Reader, joins: dict[str, tuple[Node, tuple[str, ...]]]) -> Iterator[Edge]:
    """Yield the edges that lead to a reader, and to its join."""
    node, inputs, _ = reader
    if node.id not in joins:
        yield Edge(node_id(inputs[0]), node.id)
        return
    joined, read = joins[node.id]
    yield Edge(joined.id, node.id)
    yield from (Edge(source, joined.id) for source in read)
