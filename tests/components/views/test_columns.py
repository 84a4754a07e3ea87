from io import StringIO

import pytest
from rich.console import Console

from archsmith.views.columns import Cells, Column, FittingTable

COLUMNS = (Column("name", 3, "left"), Column("n", 1), Column("unused", 9), Column("why", 2, "left", may_be_cut=True))
ROWS = (Cells(("alpha", "1", "", "because it is so")), Cells(("[b]eta", "12", "", "")))


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (40, ["name     n  why", "alpha    1  because it is so", "[b]eta  12"]),
        (24, ["name     n  why", "alpha    1  because it …", "[b]eta  12"]),
        (23, ["name    why", "alpha   because it is …", "[b]eta"]),
        (20, ["name    why", "alpha   because it …", "[b]eta"]),
        (19, ["name", "alpha", "[b]eta"]),
        (6, ["name", "alpha", "[b]eta"]),
    ],
)
def test_a_narrow_table_cuts_what_may_be_cut_and_leaves_out_what_matters_least(width: int, lines: list[str]) -> None:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(FittingTable(COLUMNS, ROWS))
    shown = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.rstrip() for line in shown] == lines
