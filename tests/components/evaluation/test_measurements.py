"""Tables read back, against what was written."""

import math
from pathlib import Path

import pytest

from archsmith.errors import DataError
from archsmith.evaluation.measurements import ended, fractions, measurements
from archsmith.evaluation.sheet import Sheet
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
    table = measurements(read, SPACE, ["acc"], architecture="arch")
    assert table.rows == {Architecture("plain", ("conv", 5)): 0, Architecture("plain", ("pool", None)): 1}
    assert table.columns["acc"].tolist() == [70.5, 10.0]


def test_architectures_are_read_from_a_column_a_decision_whatever_inactive_ones_have(tmp_path: Path) -> None:
    read = sheet(tmp_path, "kernel,acc,op", "5,70.5,conv", "3,10,pool", ",20,conv")
    table = measurements(read, SPACE, ["acc"], architecture=None)
    assert table.rows == {Architecture("plain", ("conv", 5)): 0, Architecture("plain", ("pool", None)): 1}


def test_what_is_missing_is_looked_up_by_its_network(tmp_path: Path) -> None:
    space = Symmetric("plain", SPACE.decisions)
    table = measurements(sheet(tmp_path, "arch,acc", "op=conv kernel=5,1"), space, [], architecture="arch")
    assert table.row(Architecture("plain", ("conv", 5))) == 0
    assert table.row(Architecture("plain", ("conv", 3))) == 0
    assert table.row(Architecture("plain", ("pool", None))) is None


def test_rows_of_another_space_are_passed_over_unless_all_are(tmp_path: Path) -> None:
    read = sheet(tmp_path, "arch,acc", "op=bench,1", "op=pool,2")
    assert list(measurements(read, SPACE, ["acc"], architecture="arch").rows.values()) == [1]
    with pytest.raises(DataError, match=r"None of the 1 rows .* is of the space 'plain'; line 2: `op`: Unknown choice 'bench'"):
        measurements(sheet(tmp_path, "arch,acc", "op=bench,1"), SPACE, ["acc"], architecture="arch")


def test_an_architecture_may_be_there_once_only(tmp_path: Path) -> None:
    read = sheet(tmp_path, "arch,acc", "op=pool,1", "op=conv kernel=3,1", "op=pool,3")
    with pytest.raises(DataError, match=r"Lines 2 and 4 of the table .* are the same architecture, but have 1 and 3 in `acc`"):
        measurements(read, SPACE, ["acc"], architecture="arch")


def test_an_empty_cell_is_not_known_and_a_text_is_refused_with_its_row(tmp_path: Path) -> None:
    assert math.isnan(sheet(tmp_path, "arch,acc", "x,", "y,1").numbers("acc")[0])
    with pytest.raises(DataError, match=r"Line 3 of the table .* has 'high' in `acc`, but it must be a finite number"):
        sheet(tmp_path, "arch,acc", "x,1", "y,high").numbers("acc")
    with pytest.raises(
        DataError, match=r"Line 2 .* has 'inf' in `acc`, but it must be a finite number; leave the cell empty where"
    ):
        sheet(tmp_path, "arch,acc", "x,inf").numbers("acc")


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Unknown column 'acuracy'; valid: accuracy, arch\. Did you mean 'accuracy'\?"):
        sheet(tmp_path, "arch,accuracy", "x,1").numbers("acuracy")
    with pytest.raises(DataError, match=r"no column for 1 of 2 decisions of the space 'plain': kernel \(is 'Kernel' meant\?\)\."):
        measurements(sheet(tmp_path, "op,Kernel", "conv,3"), SPACE, [], architecture=None)
    with pytest.raises(DataError, match="no column for 2 of 2 decisions of the space 'plain': op, kernel"):
        measurements(sheet(tmp_path, "arch,accuracy", "x,1"), SPACE, [], architecture=None)


@pytest.mark.parametrize(
    ("lines", "said"),
    [(["a,b", "1"], "Line 2 .* has 1 cell, but its header has 2: a, b. Let it"), (["a,b"], "has no rows"), ([], "has no rows")],
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
    assert fractions(read, ["acc"], scale)["acc"].tolist() == pytest.approx(expected, nan_ok=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "scale", "said"),
    [
        (
            "101",
            "auto",
            r"\[0, 100\] here; where it is something else, such as a score, name a metric of your own",
        ),
        ("-1", "auto", r"\[0, 1\] here; where it is something else, .*: acc}`, with `objectives: \[{metric: score, goal: max"),
        ("1.5", "fraction", r"\[0, 1\] here; look at `scale`"),
    ],
)
def test_an_accuracy_out_of_its_scale_is_refused_with_its_line(tmp_path: Path, cell: str, scale: str, said: str) -> None:
    read = sheet(tmp_path, "arch,acc", "x,1", f"y,{cell}")
    with pytest.raises(DataError, match=rf"Line 3 .* an accuracy must lie in {said}"):
        fractions(read, ["acc"], scale)  # type: ignore[arg-type]


@pytest.mark.parametrize("odd", ["50", "1.0001"])
def test_fractions_are_not_taken_for_percent_for_the_sake_of_a_single_value(tmp_path: Path, odd: str) -> None:
    read = sheet(tmp_path, "arch,acc", "x,0.6", "y,0.7", f"z,{odd}")
    with pytest.raises(DataError, match=rf"^Line 4 .* has {odd[:2]}.* most values are at most 1, .* set `scale` to percent or"):
        fractions(read, ["acc"])
    assert fractions(read, ["acc"], "percent")["acc"].tolist() == pytest.approx([0.006, 0.007, float(odd) / 100])


def test_rows_of_no_architecture_are_counted_and_the_first_ones_named(tmp_path: Path) -> None:
    read = sheet(tmp_path, "op,kernel,acc", "conv,4,1", "pool,,2", "", "bench,,3", "conv,7,4", "conv,9,5", "conv,3.0,6")
    found = measurements(read, SPACE, ["acc"], architecture=None)
    assert (found.misfits.n, len(found.rows)) == (4, 2)
    assert [text.partition(": ")[0] for text in found.misfits.first] == ["line 2", "line 5", "line 6"]
    assert found.misfits.first[1].startswith("line 5: `op`: Unknown choice 'bench'; valid: conv, pool")
    assert found.misfits.named.endswith("; and 1 more")
    assert ended("Is it?") == "Is it?"
    assert ended(found.misfits.named).endswith("; and 1 more.")


def test_rows_that_say_the_same_twice_are_one_and_counted(tmp_path: Path) -> None:
    read = sheet(tmp_path, "op,kernel,acc,note", "pool,,2,a", "pool,3,2.0,b", "conv,3,,c", "conv,3,,d")
    found = measurements(read, SPACE, ["acc"], architecture=None)
    assert (list(found.rows.values()), found.repeated) == ([0, 2], 2)
