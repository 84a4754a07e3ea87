"""The cells of a table, read by their value: other programs write the same number, or the same choice, in many ways.

pandas writes whole numbers of a column with gaps as 3.0, R writes NA and TRUE, Excel writes decimal commas, thousands
and percent as the country has them.
"""

import math
import re
from collections.abc import Iterator, Sequence

from archsmith.values import Choice

MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "#na", "nan", "-nan", "<na>", "null", "(null)", "none", "nil", "missing", "\\n", "."}
)
"""How a cell says that it has nothing, in lower case; Julia writes `missing`, MySQL and PostgreSQL \\N, SAS and Stata a point."""

LOST = frozenset({"None", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null"})
"""Choices that programs take for a cell without anything, so that what they write of them is one."""

TRUTH = {"true": True, "false": False}
"""How a cell says yes and no, in lower case; 1 and 0 are equal to them as numbers."""
LETTERS = {"t": True, "f": False}
"""How PostgreSQL says it."""

_GROUP = "[ '\u2019\u00a0\u2009\u202f]"
"""What people put between thousands beside commas and points."""
_POINT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_COMMA = re.compile(r"[-+]?([0-9]+,?[0-9]*|,[0-9]+)([eE][-+]?[0-9]+)?")
_BY_COMMA = re.compile(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?")
_BY_POINT = re.compile(r"[-+]?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]*)?")
_BY_SPACE = re.compile(rf"([-+]?[1-9][0-9]{{0,2}})({_GROUP}[0-9]{{3}})+(?![0-9])")

_ROUNDED = 1e-6
"""By how much a number may differ from a choice, as a share of it: what is left of a number in 32 bits."""


def is_missing(text: str) -> bool:
    """Tell whether a cell says that it has nothing."""
    return text.strip().casefold() in MISSING


def numbers(cells: Sequence[str], *, comma: bool) -> list[float]:
    """Return the numbers that the cells of a column say; NaN where a cell says that it has none.

    A comma is a decimal one where the cells can't mean thousands by it, or where `comma` says so and they can't be told
    apart. Percent signs are left out: 95.5 % is 95.5.

    Args:
        cells: The cells.
        comma: Whether the table is of the kind that has decimal commas: its columns are not separated by commas.

    Raises:
        ValueError: A cell is no number; the argument is its place in `cells`.
    """
    bare = [_bare(cell) for cell in cells]
    decimal_comma = _has_decimal_comma(bare, comma)
    found: list[float] = []
    for k, text in enumerate(bare):
        value = math.nan if is_missing(text) else _number(text, decimal_comma)
        if value is None:
            raise ValueError(k)
        found.append(value)
    return found


def meant(choices: Sequence[Choice], text: str) -> list[Choice]:
    """Return the choices that a cell may mean: the one that is written alike, else those of the same value.

    3.0 means 3; TRUE and 1 mean true.
    """
    text = text.strip()
    alike = [one for one in choices if str(one) == text]
    return alike or [one for one in choices if _is_meant(one, text)]


def is_percent(text: str) -> bool:
    """Tell whether a cell has a percent sign."""
    return text.strip().endswith("%")


def _is_meant(one: Choice, text: str) -> bool:
    """Tell whether a choice is what a text says, though it is not written alike."""
    if isinstance(one, str):
        if (is_missing(text) and one in LOST) or (text.casefold() in TRUTH and one.casefold() == text.casefold()):
            return True
        wanted = next(_meanings(one), None)
        return wanted is not None and any(wanted == value for value in _meanings(text))
    if (truth := {**TRUTH, **LETTERS}.get(text.casefold())) is not None:
        return one is truth
    return any(one == value or (isinstance(one, float) and _is_near(one, value)) for value in _meanings(text))


def _is_near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_ROUNDED)


def _meanings(text: str) -> Iterator[float]:
    """Yield the numbers that a text may mean by itself."""
    for decimal_comma in (False, True):
        if (value := _number(_bare(text), decimal_comma)) is not None:
            yield value


def _bare(text: str) -> str:
    """Return a cell without what surrounds its number, and without the spaces between its thousands."""
    text = text.strip().removesuffix("%").strip()
    if text[:1] in "\u2212\u2013" and text[1:2].isdigit():
        text = f"-{text[1:]}"  # a real minus sign, as some programs print it
    return re.sub(_GROUP, "", text) if _BY_SPACE.match(text) else text


def _has_decimal_comma(cells: Sequence[str], comma: bool) -> bool:
    """Tell what the commas of a column are: as its cells need it, and where they don't say, as the table has it."""
    with_comma = [cell for cell in cells if "," in cell]
    if not with_comma:  # thousands may be all that there is, as in 1.234.567
        return any(cell.count(".") > 1 for cell in cells)
    if not all(_BY_COMMA.fullmatch(cell) for cell in with_comma):
        return True
    return comma and not any("." in cell for cell in cells)


def _number(text: str, decimal_comma: bool) -> float | None:
    """Return the finite number that a text says under a convention; None where it says none."""
    plain, grouped = (_COMMA, _BY_POINT) if decimal_comma else (_POINT, _BY_COMMA)
    group, point = (".", ",") if decimal_comma else (",", ".")
    if grouped.fullmatch(text):
        text = text.replace(group, "")
    elif not plain.fullmatch(text):
        return None
    value = float(text.replace(point, "."))
    return value if math.isfinite(value) else None
