"""Cells read by value, against the values that were written, by hand and by pandas."""

import math

import pandas as pd
import pytest

from archsmith.spaces.decisions import Decision
from archsmith.spaces.decisions.written import numbers
from archsmith.values import Choice

nan = math.nan


@pytest.mark.parametrize(
    ("cells", "comma", "expected"),
    [
        (["1", " 2.5 ", "-3", "+.5", "4.", "1e-3", "2E+05"], False, [1, 2.5, -3, 0.5, 4, 0.001, 2e5]),
        (["", "NA", "NaN", "nan", "NULL", "null", "None", "N/A", "#N/A", "<NA>", " "], False, [nan] * 11),
        (["\\N", "missing", ".", "(null)", "0.5"], False, [nan, nan, nan, nan, 0.5]),
        (["1,234", "1,234,567", "12", "1,234.5"], False, [1234, 1234567, 12, 1234.5]),  # thousands
        (["0,95", "1,5", "12"], False, [0.95, 1.5, 12]),  # no thousands are written like this
        (["0,955"], False, [0.955]),
        (["0,95", "1,234", "1.234,5", "7", "1,5E-3"], True, [0.95, 1.234, 1234.5, 7, 0.0015]),
        (["1.234.567", "283.402", "12"], True, [1234567, 283402, 12]),
        (["1,234.5", "1,234"], True, [1234.5, 1234]),
        (["0.95", "283.402"], True, [0.95, 283.402]),  # semicolons do not forbid a point
        (["283 402", "1\u00a0234", "1\u202f234,5", "1'234"], True, [283402, 1234, 1234.5, 1234]),
        (["95.5%", "95.5 %", "7 %"], False, [95.5, 95.5, 7]),
        (["\u22121.5", "-1.5"], False, [-1.5, -1.5]),
    ],
)
def test_numbers_are_read_as_they_are_meant(cells: list[str], comma: bool, expected: list[float]) -> None:
    assert numbers(cells, comma=comma) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("cells", "comma"),
    [
        (["1", "high"], False),
        (["1", "inf"], False),
        (["1", "1e400"], False),
        (["1", "1_000"], False),
        (["1", "0x10"], False),
        (["0,95", "0.95"], True),  # two conventions in a column
        (["1", "1,23,456"], False),
        (["1", "12 34"], False),
        (["1", "1 2345"], False),
        (["1", "1;2"], False),
        (["1", "-"], False),
    ],
)
def test_what_is_no_number_is_refused_with_its_place(cells: list[str], comma: bool) -> None:
    with pytest.raises(ValueError, match=r"^1$"):
        numbers(cells, comma=comma)


@pytest.mark.parametrize(
    ("choices", "text", "expected"),
    [
        ((3, 5), "3.0", 3),
        ((3, 5), " 5 ", 5),
        ((3, 5), "3.00E+00", 3),
        ((1000, 65536), "65,536", 65536),
        ((1000, 65536), "65.536", 65536),
        ((0.5, 0.25), ".50", 0.5),
        ((0.5, 0.25), "0,25", 0.25),
        ((0.1, 0.2), "0.10000000149011612", 0.1),  # from 32 bits
        ((1 / 3, 0.5), "0.333333333333333", 1 / 3),  # R writes 15 digits
        ((False, True), "TRUE", True),
        ((False, True), "false", False),
        ((False, True), "1", True),
        ((False, True), "f", False),
        ((False, True), "0.0", False),
        (("true", "false"), "TRUE", "true"),
        (("03", "05"), "3", "03"),
        (("1e3", "2e3"), "1000.0", "1e3"),
        (("None", "conv"), "", "None"),
        (("conv", "pool"), " conv", "conv"),
        ((0, 1), "-0.0", 0),
        ((100000, 100001), "100001.0", 100001),
    ],
)
def test_a_choice_is_found_by_its_value(choices: tuple[Choice, ...], text: str, expected: Choice) -> None:
    found = Decision("d", choices).read(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("choices", "text", "said"),
    [
        ((3, 5), "7", "`d`: Unknown choice '7'; valid: 3, 5"),
        ((3, 5), "3.5", "Unknown choice '3.5'"),
        ((3, 5), "", "`d` is empty, but must be one of: 3, 5"),
        ((3, 5), "nan", "`d` is empty"),
        (("none", "conv"), "", "`d` is empty"),  # no program takes this for nothing
        (("conv", "pool"), "Conv", "Unknown choice 'Conv'; valid: conv, pool. Did you mean 'conv'?"),
        ((1.024, 1024), "1,024", "`d` is '1,024', which may be 1.024 or 1024"),
        ((False, True), "2", "Unknown choice '2'"),
        (("T", "F"), "t", "Unknown choice 't'"),
        ((3, 5), "TRUE", "Unknown choice 'TRUE'"),
    ],
)
def test_what_is_no_choice_is_refused_with_what_is(choices: tuple[Choice, ...], text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        Decision("d", choices).read(text)
    assert said in str(caught.value)


def test_what_pandas_writes_of_a_column_with_gaps_is_read() -> None:
    frame = pd.DataFrame({"kernel": [3, 5, None], "se": [True, None, False], "width": [0.5, None, 1.0]})
    lines = frame.to_csv(index=False).splitlines()[1:]
    assert lines == ["3.0,True,0.5", "5.0,,", ",False,1.0"]
    first = lines[0].split(",")
    decisions = (Decision("kernel", (3, 5)), Decision("se", (True, False)), Decision("width", (0.5, 1)))
    assert [d.read(text) for d, text in zip(decisions, first, strict=True)] == [3, True, 0.5]
    assert decisions[2].read(lines[2].split(",")[2]) == 1
