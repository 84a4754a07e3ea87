"""The decisions of a cell."""

from itertools import product
from math import comb, prod

import pytest

from archsmith.spaces.cells.cell_decisions import OPERATION_SETS, CellDecisions, CellSettings
from archsmith.spaces.cells.genotype import CellGenotype


def cell(nodes: int = 2, operations: str = "ab", inputs: str = "distinct", output: str = "all") -> CellDecisions:
    return CellDecisions("normal", nodes=nodes, operations=operations, inputs=inputs, output=output)


def test_the_decisions_have_the_names_that_their_docstring_gives() -> None:
    assert [d.name for d in cell(1).decisions] == ["normal_inputs_2", "normal_op_2a", "normal_op_2b"]
    names = ["normal_input_2a", "normal_op_2a", "normal_input_2b", "normal_op_2b"]
    assert [d.name for d in cell(1, inputs="free").decisions] == names


@pytest.mark.parametrize("inputs", ["distinct", "free"])
@pytest.mark.parametrize("output", ["all", "unused"])
def test_every_choice_makes_a_cell_from_which_it_is_read_back(inputs: str, output: str) -> None:
    cells = cell(2, "ab", inputs, output)
    seen = set()
    for choices in product(*(d.choices for d in cells.decisions)):
        assignment = dict(zip((d.name for d in cells.decisions), choices, strict=True))
        made = cells.read(assignment)
        assert cells.write(made) == assignment
        seen.add(made)
    closed = {"distinct": comb(2, 2) * comb(3, 2), "free": 2**2 * 3**2}[inputs] * 2**4
    assert len(seen) == closed == prod(len(d.choices) for d in cells.decisions)


def test_distinct_inputs_do_not_care_for_the_order_of_a_nodes_pairs() -> None:
    one = CellGenotype((("a", 0), ("b", 1), ("a", 2), ("b", 0)), (2, 3))
    other = CellGenotype((("b", 1), ("a", 0), ("b", 0), ("a", 2)), (2, 3))
    assert cell().write(one) == cell().write(other)


def test_the_output_is_all_nodes_or_those_that_no_other_one_takes() -> None:
    chosen = {"normal_inputs_2": "0,1", "normal_inputs_3": "0,2"} | {f"normal_op_{s}{side}": "a" for s in (2, 3) for side in "ab"}
    assert cell(output="all").read(chosen).concat == (2, 3)
    assert cell(output="unused").read(chosen).concat == (3,)


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        (CellGenotype((("a", 0), ("a", 1)), (2,)), "has 1 nodes, but must have 2"),
        (CellGenotype((("a", 0), ("a", 1), ("c", 0), ("a", 1)), (2, 3)), "normal cell: Unknown operation 'c'; valid: a, b"),
        (CellGenotype((("a", 0), ("a", 1), ("a", 2), ("b", 2)), (2, 3)), "Node 3 of the normal cell takes state 2 twice"),
        (
            CellGenotype((("a", 0), ("a", 1), ("a", 0), ("a", 1)), (3,)),
            r"concatenates \[3\], but must be all of its nodes: \[2, 3\]",
        ),
    ],
)
def test_a_cell_that_is_none_of_the_space_is_refused_with_the_reason(genotype: CellGenotype, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cell().write(genotype)


def test_the_settings_follow_the_paper_of_the_operations() -> None:
    darts, nasnet = CellSettings().cell("c"), CellSettings(operations="nasnet").cell("c")
    assert darts.operations == OPERATION_SETS["darts"]
    assert nasnet.operations == OPERATION_SETS["nasnet"]
    assert len(darts.operations) == 7
    assert len(nasnet.operations) == 13
    assert darts.decisions[0].name == "c_inputs_2"
    assert nasnet.decisions[0].name == "c_input_2a"
    both = CellSettings.model_validate({"operations": ["se", "conv_3x3"], "inputs": "free", "output": "unused"}).cell("c")
    assert both.operations == ("se", "conv_3x3")
    assert both.decisions[0].name == "c_input_2a"
