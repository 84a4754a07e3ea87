"""What spaces with cells have in common; the rest is in the tests of these spaces."""

import numpy as np
import pytest

from archsmith.spaces.cells.cell_decisions import CellDecisions
from archsmith.spaces.cells.genotype import CellGenotype
from archsmith.spaces.cells.searched_cells import SearchedCells
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.values import Architecture


class Cells(SearchedCells):
    """Two cells and a number."""

    def __init__(self) -> None:
        names = ("left", "right")
        cells = {n: CellDecisions(n, nodes=2, operations=("a", "b"), inputs="distinct", output="all") for n in names}
        super().__init__("cells", cells, (Decision("number", (1, 2, 3)),))

    def graph(self, architecture: Architecture) -> Graph:
        return Graph((Node("input", "image", "input"), Node("output", "end", "output")), (Edge("input", "output"),))


LEFT = CellGenotype((("a", 0), ("b", 1), ("b", 0), ("a", 2)), (2, 3))
RIGHT = CellGenotype((("b", 0), ("b", 1), ("a", 0), ("a", 1)), (2, 3))
TEXT = (
    "Genotype(left=[('a', 0), ('b', 1), ('b', 0), ('a', 2)], left_concat=range(2, 4), "
    "right=[('b', 0), ('b', 1), ('a', 0), ('a', 1)], right_concat=range(2, 4)) number=2"
)


def test_the_notation_has_each_cell_by_its_name_and_then_the_other_decisions() -> None:
    space = Cells()
    architecture = space.from_text(TEXT)
    assert space.cells(architecture) == {"left": LEFT, "right": RIGHT}
    assert space.assignment(architecture)["number"] == 2
    assert space.to_text(architecture) == TEXT
    assert space.architecture({**space.choices_of({"left": LEFT, "right": RIGHT}), "number": 2}) == architecture


@pytest.mark.parametrize("text", [TEXT.replace("left", "normal"), TEXT.replace("number=2", ""), TEXT.replace("2, 4", "2, 3")])
def test_other_cells_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"has the fields|is missing|must be all of its nodes"):
        Cells().from_text(text)


def test_the_nodes_of_a_cell_that_do_not_depend_on_each_other_may_be_swapped() -> None:
    space = Cells()
    swapped = TEXT.replace("('b', 0), ('b', 1), ('a', 0), ('a', 1)", "('a', 0), ('a', 1), ('b', 0), ('b', 1)")
    one, other = space.from_text(TEXT), space.from_text(swapped)
    assert one != other
    assert space.canonical(one) == space.canonical(other)
    n_choices = sum(len(d.choices) for d in space.decisions)
    assert np.array_equal(space.features(one)[n_choices:], space.features(other)[n_choices:])
