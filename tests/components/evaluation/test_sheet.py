"""Files as other programs write them: all of these say the same."""

import math
from pathlib import Path

import pandas as pd
import pytest

from archsmith.errors import DataError
from archsmith.evaluation.measurements import measurements
from archsmith.evaluation.sheet import Sheet
from archsmith.spaces.decisions import Decision
from archsmith.testing.spaces import PlainSpace

SPACE = PlainSpace("plain", [Decision("op", ("conv", "pool")), Decision("kernel", (3, 5), {"op": ("conv",)})])
EXPECTED = {("conv", 3): 0.5, ("conv", 5): -1.5, ("pool", None): 1234.25}

FRAME = pd.DataFrame({"op": ["conv", "conv", "pool"], "kernel": [3, 5, None], "score": [0.5, -1.5, 1234.25]})

FILES = {
    "pandas": FRAME.to_csv(index=False).encode(),
    "pandas with its index": FRAME.to_csv().encode(),
    "pandas with semicolons": FRAME.to_csv(index=False, sep=";", decimal=",").encode(),
    "pandas with decimal commas in quotes": FRAME.to_csv(index=False, decimal=",").encode(),
    "pandas with tabs": FRAME.to_csv(index=False, sep="\t", na_rep="NULL").encode(),
    "pandas with bars": FRAME.to_csv(index=False, sep="|").encode(),
    "R write.table as it comes": b'"op" "kernel" "score"\n"1" "conv" 3 0.5\n"2" "conv" 5 -1.5\n"3" "pool" NA 1234.25\n',
    "MySQL": b"op\tkernel\tscore\nconv\t3\t0.5\nconv\t5\t-1.5\npool\t\\N\t1234.25\n",
    "R write.csv": b'"","op","kernel","score"\n"1","conv",3,0.5\n"2","conv",5,-1.5\n"3","pool",NA,1234.25\n',
    "R write.csv2": b'"";"op";"kernel";"score"\n"1";"conv";3;0,5\n"2";"conv";5;-1,5\n"3";"pool";NA;1234,25\n',
    "R write.table": b'"op"\t"kernel"\t"score"\n"1"\t"conv"\t3\t0.5\n"2"\t"conv"\t5\t-1.5\n"3"\t"pool"\tNA\t1234.25\n',
    "Excel": b'\xef\xbb\xbfop,kernel,score,\r\nconv,3,0.50,\r\nconv,5,-1.50,\r\npool,,"1,234.25",\r\n,,,\r\n,,,\r\n',
    "Excel in Germany": b"\xef\xbb\xbfop;kernel;score\r\nconv;3;0,5\r\nconv;5;-1,5\r\npool;;1.234,25\r\n",
    "Excel that says its separator": b"sep=;\r\nop;kernel;score\r\nconv;3;0,5\r\nconv;5;-1,5\r\npool;;1234,25\r\n",
    "Excel's Unicode text": "op\tkernel\tscore\r\nconv\t3\t0.5\r\nconv\t5\t-1.5\r\npool\t\t1234.25\r\n".encode("utf-16"),
    "an old Macintosh": b"op,kernel,score\rconv,3,0.5\rconv,5,-1.5\rpool,,1234.25\r",
    "DuckDB": b"op,kernel,score\nconv,3,0.5\nconv,5,-1.5\npool,,1234.25\n",
    "spaces around and blank lines": b"op , kernel, score\n\n conv , 3 ,0.5\n  \nconv,5, -1.5\npool, ,1234.25 \n",
    "a note that has other separators": b'op,kernel,score,note\nconv,3,0.5,"a;b;c;d\n;"\nconv,5,-1.5,;;;;\npool,,1234.25,\n',
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_table_is_read_whoever_wrote_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    table = measurements(Sheet.read(tmp_path / "t.csv"), SPACE, ["score"], architecture=None)
    assert {a.choices: table.columns["score"][row] for a, row in table.rows.items()} == EXPECTED
    assert table.misfits.n == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04rest", "is an Excel workbook or another archive; save it as CSV"),
        (b"\x1f\x8brest", "is compressed; unpack it"),
        (b"BZh91AY", "is compressed; unpack it"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "is what Git LFS keeps in place of the file; `git lfs pull` fetches it",
        ),
        ("op,score\nconv,1\n".encode("utf-16-le"), "Line 1 .* has a NUL character, which no text has; save the file as CSV"),
        (b"# made by x\n\nop,score\nconv,1\n", "Line 3 .* has 2 cells, but its header has 1: # made by x. Let it have a header"),
        (b"PAR1rest", "is a Parquet file; write it as CSV"),
        (b"op,score\nconv,1\nd\xe9j\xe0,2\n", "Line 3 .* is not UTF-8 text; save the file as CSV in UTF-8"),
        (b"\xff\xfeo", "Line 1 .* is not UTF-8 text"),
        (b"op,kernel,score\nconv,3,1,2\n", "Line 2 .* has 4 cells, but its header has 3"),
        (b'op,score\n"conv,1\npool,2\n', "has no rows|has 1 cell,"),
    ],
)
def test_what_is_no_csv_is_refused_with_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=said):
        Sheet.read(tmp_path / "t.csv")


def test_a_column_that_is_there_twice_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("op,score,score\nconv,1,2\n")
    with pytest.raises(DataError, match=r"has 2 columns named 'score'; rename one"):
        Sheet.read(tmp_path / "t.csv").numbers("score")


def test_percent_in_some_cells_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("op,score\nconv,95%\npool,0.9\n")
    with pytest.raises(DataError, match=r"has a percent sign in some cells of `score` only"):
        Sheet.read(tmp_path / "t.csv").numbers("score")


def test_a_separator_that_is_not_known_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("op:score\nconv:1\n")
    with pytest.raises(DataError, match=r"Unknown column 'score'; .* are to be separated by commas, semicolons or tabs"):
        Sheet.read(tmp_path / "t.csv").numbers("score")


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('op,note,score\nconv,"two\nlines",1\n\npool,,high\n')
    with pytest.raises(DataError, match=r"^Line 5 of the table .* has 'high' in `score`"):
        Sheet.read(tmp_path / "t.csv").numbers("score")


@pytest.mark.parametrize("gap", ["", "NA", "None"])
def test_cells_that_are_said_to_be_empty_have_no_percent_sign(tmp_path: Path, gap: str) -> None:
    (tmp_path / "t.csv").write_text(f"arch,acc\na,95 %\nb,{gap}\n")
    first, second = Sheet.read(tmp_path / "t.csv").numbers("acc")
    assert first == 95
    assert math.isnan(second)
