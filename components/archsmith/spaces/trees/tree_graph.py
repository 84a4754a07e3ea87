"""The picture of a tree of branches."""

from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spaces.trees.tree import Path, Tree, named


def tree_graph(tree: Tree) -> Graph:
    """Return the operations from the cell's input to its output, and where channels are dealt out and branches are merged."""
    drawing = _Drawing([Node("input", "input", "input")], [])
    end = drawing.add(tree, (), "input")
    drawing.node(Node("output", "output", "output"), end)
    return Graph(tuple(drawing.nodes), tuple(drawing.edges))


class _Drawing:
    """The nodes and edges so far."""

    def __init__(self, nodes: list[Node], edges: list[Edge]) -> None:
        self.nodes = nodes
        self.edges = edges

    def node(self, node: Node, *sources: str) -> str:
        """Add a node that reads others; return its id."""
        self.nodes.append(node)
        self.edges += [Edge(source, node.id) for source in sources]
        return node.id

    def add(self, tree: Tree, path: Path, source: str) -> str:
        """Add a tree that reads `source`; return the id of what it ends with."""
        n = len(tree.branches)
        if tree.allocation == "split":
            source = self.node(Node(named("split", path), f"split in {n}", "split", {"channels": f"1/{n} each"}), source)
        ends = [self._branch(tree, path, k, source) for k in range(n)]
        if n > 1:
            return self.node(Node(named("merge", path), tree.merge, tree.merge), *ends)
        return ends[0] if ends else source

    def _branch(self, tree: Tree, path: Path, k: int, source: str) -> str:
        branch, end = tree.branches[k], (*path, k + 1)
        operation = branch.operation
        details = {} if tree.keeps_channels else {"channels": "more or fewer come out of it than go in"}
        return self.add(branch.tree, end, self.node(Node(named("op", end), operation, operation, details), source))
