"""The inside of a cell as nodes and edges, for pictures."""

from collections.abc import Iterator

from archsmith.spaces.cells.genotype import INPUTS, CellGenotype
from archsmith.spaces.graph import Edge, Graph, Inset, Node

INPUT_LABELS = ("c_{k-2}", "c_{k-1}")
"""What the papers call the outputs of the two cells before cell k."""


def cell_inset(title: str, cell: CellGenotype, *, stride: int, inputs: tuple[str, str] = INPUT_LABELS) -> Inset:
    """Return the picture of a cell: its inputs, the operations and sums of its nodes, and their concatenation.

    Args:
        title: What the cell is called in the whole.
        cell: What to draw; an input that it does not take is left out.
        stride: Of the operations on its inputs.
        inputs: What its inputs are called.
    """
    return Inset(title, Graph(tuple(_nodes(cell, stride, inputs)), tuple(_edges(cell))))


def _nodes(cell: CellGenotype, stride: int, inputs: tuple[str, str]) -> Iterator[Node]:
    for state in sorted(cell.used & set(range(INPUTS))):
        yield Node(str(state), inputs[state], "input")
    for state in cell.states:
        for side, (op, source) in zip("ab", cell.node(state), strict=True):
            on = inputs[source] if source < INPUTS else f"node {source}"
            halved = f", /{stride}" if stride > 1 and source < INPUTS else ""
            yield Node(
                f"{state}{side}",
                f"{op}{halved}",
                op,
                {"operation": op, "on": on},
            )
        yield Node(str(state), f"sum {state}", "add", {"node": str(state)})
    joined = ", ".join(map(str, cell.concat))
    yield Node("output", f"concat {joined}", "concat", {"output": "c_k", "concatenates": joined})


def _edges(cell: CellGenotype) -> Iterator[Edge]:
    for state in cell.states:
        for side, (_, source) in zip("ab", cell.node(state), strict=True):
            yield Edge(str(source), f"{state}{side}")
            yield Edge(f"{state}{side}", str(state))
    yield from (Edge(str(state), "output") for state in cell.concat)
