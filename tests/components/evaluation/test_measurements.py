"""Tables read back, against what was written."""

import math
from pathlib import Path

import pytest

from archsmith.errors import DataError
from archsmith.evaluation.measurements import Sheet, fractions
from archsmith.spaces.decisions import Decision
from archsmith.testing.spaces import PlainSpace
from archsmith.values import Architecture

SPACE = PlainSpace("plain", [Decision("op", ("conv", "pool")), Decision("kernel", (3, 5), {"op": ("conv",)})])


class Symmetric(PlainSpace):
    """A space whose kernels all make the same network."""

    def canonical(self, architecture: Architecture) -> Architecture:
        return Architecture(self.name, ("conv", 3)) if architecture.choices[0] == "conv" else architecture


def sheet(folder: Path, *lines: str) -> Sheet:
    path = folder / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return Sheet.read(path)


def test_architectures_are_read_in_the_notation_of_the_space(tmp_path: Path) -> None:
    read = sheet(tmp_path, "arch,acc", "op=conv kernel=5,70.5", "op=pool,10")
    table = read.measurements(SPACE, ["acc"], architecture="arch")
    assert table.rows == {Architecture("plain", ("conv", 5)): 0, Architecture("plain", ("pool", None)): 1}
    assert table.columns["acc"].tolist() == [70.5, 10.0]


def test_architectures_are_read_from_a_column_a_decision_whatever_inactive_ones_have(tmp_path: Path) -> None:
    read = sheet(tmp_path, "kernel,acc,op", "5,70.5,conv", "3,10,pool", ",20,conv")
    table = read.measurements(SPACE, ["acc"], architecture=None)
    assert table.rows == {Architecture("plain", ("conv", 5)): 0, Architecture("plain", ("pool", None)): 1}


def test_what_is_missing_is_looked_up_by_its_network(tmp_path: Path) -> None:
    space = Symmetric("plain", SPACE.decisions)
    table = sheet(tmp_path, "arch,acc", "op=conv kernel=5,1").measurements(space, [], architecture="arch")
    assert table.row(Architecture("plain", ("conv", 5))) == 0
    assert table.row(Architecture("plain", ("conv", 3))) == 0
    assert table.row(Architecture("plain", ("pool", None))) is None


def test_rows_of_another_space_are_passed_over_unless_all_are(tmp_path: Path) -> None:
    read = sheet(tmp_path, "arch,acc", "op=bench,1", "op=pool,2")
    assert list(read.measurements(SPACE, ["acc"], architecture="arch").rows.values()) == [1]
    with pytest.raises(DataError, match=r"None of the 1 rows .* is of the space 'plain'; row 2: `op`: Unknown choice 'bench'"):
        sheet(tmp_path, "arch,acc", "op=bench,1").measurements(SPACE, ["acc"], architecture="arch")


def test_an_architecture_may_be_there_once_only(tmp_path: Path) -> None:
    read = sheet(tmp_path, "arch,acc", "op=pool,1", "op=conv kernel=3,1", "op=pool,2")
    with pytest.raises(DataError, match=r"Rows 2 and 4 of the table .* are the same architecture"):
        read.measurements(SPACE, ["acc"], architecture="arch")


def test_an_empty_cell_is_not_known_and_a_text_is_refused_with_its_row(tmp_path: Path) -> None:
    assert math.isnan(sheet(tmp_path, "arch,acc", "x,", "y,1").numbers("acc")[0])
    with pytest.raises(DataError, match=r"Row 3 of the table .* has 'high' in `acc`, but it must be a number"):
        sheet(tmp_path, "arch,acc", "x,1", "y,high").numbers("acc")
    with pytest.raises(DataError, match=r"Row 2 .* has 'inf'"):
        sheet(tmp_path, "arch,acc", "x,inf").numbers("acc")


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Unknown column 'acuracy'; valid: accuracy, arch\. Did you mean 'accuracy'\?"):
        sheet(tmp_path, "arch,accuracy", "x,1").numbers("acuracy")
    with pytest.raises(DataError, match="no column for 2 of 2 decisions of the space 'plain': op, kernel"):
        sheet(tmp_path, "arch,accuracy", "x,1").measurements(SPACE, [], architecture=None)


@pytest.mark.parametrize(
    ("lines", "said"),
    [(["a,b", "1"], "Row 2 .* has 1 cells, but its header has 2"), (["a,b"], "has no rows"), ([], "has no rows")],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        sheet(tmp_path, *lines)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The table '.*none\.csv' can't be read: No such file or directory\. Give"):
        Sheet.read(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("cells", "scale", "expected"),
    [
        (["50", "100"], "auto", [0.5, 1.0]),
        (["0.5", "1"], "auto", [0.5, 1.0]),
        (["0.5", "1"], "percent", [0.005, 0.01]),
        (["0.5", ""], "fraction", [0.5, math.nan]),
    ],
)
def test_accuracies_end_as_fractions(tmp_path: Path, cells: list[str], scale: str, expected: list[float]) -> None:
    read = sheet(tmp_path, "arch,acc", *(f"x{k},{cell}" for k, cell in enumerate(cells)))
    assert fractions(read, "acc", scale).tolist() == pytest.approx(expected, nan_ok=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(("cell", "scale"), [("101", "auto"), ("-1", "auto"), ("1.5", "fraction")])
def test_an_accuracy_out_of_its_scale_is_refused_with_its_row(tmp_path: Path, cell: str, scale: str) -> None:
    read = sheet(tmp_path, "arch,acc", "x,1", f"y,{cell}")
    with pytest.raises(DataError, match=r"Row 3 .* an accuracy must lie in \[0, 1(00)?\] here; look at `scale`"):
        fractions(read, "acc", scale)  # type: ignore[arg-type]
