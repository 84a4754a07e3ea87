"""The notation of cells, against what Python itself prints for the tuple that DARTS prints."""

from collections import namedtuple

import pytest

from archsmith.spaces.cells.genotype import CellGenotype, Genotype, loose_ends

Printed = namedtuple("Genotype", "normal normal_concat reduce reduce_concat")

PAIRS = [("sep_conv_3x3", 0), ("skip_connect", 1), ("max_pool_3x3", 0), ("dil_conv_5x5", 2)]
CELL = CellGenotype(tuple(PAIRS), (2, 3))
LAST = CellGenotype(tuple(PAIRS), (3,))


def test_a_genotype_is_printed_as_darts_prints_it() -> None:
    assert Genotype(CELL, CELL).to_text() == repr(Printed(PAIRS, range(2, 4), PAIRS, range(2, 4)))
    assert Genotype(CELL, LAST).to_text() == repr(Printed(PAIRS, range(2, 4), PAIRS, [3]))
    assert Genotype(CELL, None).to_text() == repr(Printed(PAIRS, range(2, 4), [], []))


@pytest.mark.parametrize("genotype", [Genotype(CELL, CELL), Genotype(CELL, LAST), Genotype(LAST, None)])
def test_a_genotype_is_read_back(genotype: Genotype) -> None:
    assert Genotype.from_text(genotype.to_text()) == genotype


def test_lists_for_ranges_white_space_and_any_order_of_the_fields_are_accepted() -> None:
    text = """
      Genotype(
        reduce = [["sep_conv_3x3", 0], ["skip_connect", 1], ["max_pool_3x3", 0], ["dil_conv_5x5", 2]],
        reduce_concat = (2, 3),
        normal = (('sep_conv_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 0), ('dil_conv_5x5', 2),),
        normal_concat = [3, 2],
      )
    """
    assert Genotype.from_text(text) == Genotype(CELL, CELL)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no genotype"),
        ("Genotype", "is no genotype"),
        ("Genotypes()", "is no genotype"),
        ("Genotype(1, 2, 3, 4)", "is no genotype"),
        ("Genotype(", "is no genotype"),
        ("\0", "is no genotype"),
        ("(" * 9000, "is no genotype"),
        ("[" * 30_000, "is no genotype"),
        ("Genotype()", "but this one has: none"),
        ("Genotype(normal=[], normal=[], normal_concat=[2], reduce=[], reduce_concat=[])", "gives a field twice"),
        ("Genotype(**{})", r"is no list|has the fields|but this one has"),
        ("Genotype(normal=[], normal_concat=[], reduce=[])", "but this one has: normal, normal_concat, reduce"),
        ("Genotype(normal=print('run'), normal_concat=[2], reduce=[], reduce_concat=[])", "is no list of pairs"),
        ("Genotype(normal=[x], normal_concat=[2], reduce=[], reduce_concat=[])", "is no list of pairs"),
        ("Genotype(normal=[('a', 0), ('a', 1)], normal_concat=range(10**9), reduce=[], reduce_concat=[])", "no list|no range"),
        ("Genotype(normal=[('a', 0), ('a', 1)], normal_concat=range(1000000), reduce=[], reduce_concat=[])", "no range"),
        ("Genotype(normal=[('a', 0), ('a', 1)], normal_concat=range(2, 9, 0), reduce=[], reduce_concat=[])", "zero|no range"),
        ("Genotype(normal=[('a', 0), ('a', 1)], normal_concat=['2'], reduce=[], reduce_concat=[])", "`normal_concat` must be"),
        ("Genotype(normal=[('a', 0), (1, 1)], normal_concat=[2], reduce=[], reduce_concat=[])", "`normal` must be a list"),
        ("Genotype(normal=[('a', 0), ('a', True)], normal_concat=[2], reduce=[], reduce_concat=[])", "`normal` must be a list"),
        ("Genotype(normal=7, normal_concat=[2], reduce=[], reduce_concat=[])", "`normal` must be a list"),
    ],
)
def test_what_is_no_genotype_is_refused_and_nothing_in_it_is_run(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Genotype.from_text(text)


@pytest.mark.parametrize(
    ("pairs", "concat", "message"),
    [
        ((), (2,), "has 0 pairs"),
        ((("a", 0),) * 3, (2,), "has 3 pairs"),
        ((("a", 0), ("a", 2)), (2,), r"\('a', 2\), .*of node 2, which takes earlier states only: 0 to 1|is of node 2"),
        ((("a", 0), ("a", -1)), (2,), "is of node 2"),
        ((("a", 0), ("a", 1)), (), "must be some of its nodes"),
        ((("a", 0), ("a", 1)), (1,), r"concatenates \[1\], but must be some of its nodes: \[2\]"),
    ],
)
def test_what_is_no_cell_is_refused(pairs: tuple[tuple[str, int], ...], concat: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CellGenotype(pairs, concat)


def test_loose_ends_are_those_of_the_published_cells() -> None:
    # AmoebaNet-A's cells as DARTS' code gives them, with their concatenations.
    normal = [0, 1, 0, 2, 0, 3, 1, 1, 0, 1]
    reduction = [0, 1, 0, 2, 0, 1, 0, 1, 0, 5]
    assert loose_ends([("op", s) for s in normal]) == (4, 5, 6)
    assert loose_ends([("op", s) for s in reduction]) == (3, 4, 6)
