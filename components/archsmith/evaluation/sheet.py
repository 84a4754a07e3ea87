"""A CSV file as it stands, from whatever program: separators, encodings and line ends differ, and it says none of them."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archsmith.errors import DataError, unknown
from archsmith.spaces.decisions.written import is_missing, is_percent, numbers

SEPARATORS = ",;\t"
"""What columns may be separated by."""
RARE = "| "
"""What they may be separated by where none of those does: a table of R's `write.table` has spaces."""

SHORT = "It needs a header and a row an architecture."

_LOOKED_AT = 50
"""Lines from which the separator is told."""
_MARKS = (("utf-8-sig", b"\xef\xbb\xbf"), ("utf-16", b"\xff\xfe"), ("utf-16", b"\xfe\xff"))
"""Encodings, and what a file in them begins with."""
_FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or another archive; save it as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV",
    b"PAR1": "a Parquet file; write it as CSV",
    b"\x1f\x8b": "compressed; unpack it",
    b"BZh": "compressed; unpack it",
    b"\xfd7zXZ": "compressed; unpack it",
    b"\x28\xb5\x2f\xfd": "compressed; unpack it",
    b"version https://git-lfs": "what Git LFS keeps in place of the file; `git lfs pull` fetches it",
}
"""Files that are not text, by what they begin with."""
_SAYS_SEPARATOR = re.compile(r'\A"?sep=(.)"?\r?\n?', re.IGNORECASE)
"""The first line with which Excel tells itself what the separator is."""


@dataclass(frozen=True)
class Sheet:
    """A CSV file as it stands."""

    source: str
    """Where it comes from, for errors."""
    header: tuple[str, ...]
    """The names of its columns."""
    rows: Sequence[Sequence[str]]
    """Its cells; each row as long as the header."""
    lines: Sequence[int]
    """The line of the file on which each row begins, from 1."""
    separator: str = ","
    """What its columns are separated by."""

    @classmethod
    def read(cls, path: Path, source: str | None = None) -> "Sheet":
        """Read a file; raises `DataError` where that can't be done, or a row is not as long as the header."""
        name = source or str(path)
        try:
            text = _text(path.read_bytes(), name)
            separator, text, first = _separator(text)
            (_, header), *rows = _records(text, separator, first) or [(1, [])]
        except (OSError, csv.Error) as error:
            reason = (isinstance(error, OSError) and error.strerror) or error
            raise DataError(f"The table {name!r} can't be read: {reason}. Give the path of a CSV file.") from error
        if not rows:
            raise DataError(f"The table {name!r} has no rows. {SHORT}")
        names, cells = _fitted(header, rows, name)
        return cls(name, names, cells, [line for line, _ in rows], separator)

    def place(self, column: str) -> int:
        """Return which column has this name."""
        if column not in self.header:
            hint = "" if len(self.header) > 1 else " Its columns are to be separated by commas, semicolons or tabs."
            raise DataError(f"{unknown('column', column, filter(None, self.header))} This is the table {self.source!r}.{hint}")
        if self.header.count(column) > 1:
            raise DataError(f"The table {self.source!r} has {self.header.count(column)} columns named {column!r}; rename one.")
        return self.header.index(column)

    def numbers(self, column: str) -> np.ndarray:
        """Return the numbers of a column, NaN where a cell has none.

        Raises:
            DataError: A cell is neither empty nor a finite number, or only some have a percent sign.
        """
        cells = self.cells(column)
        if len({is_percent(cell) for cell in cells if not is_missing(cell)}) > 1:
            raise DataError(f"The table {self.source!r} has a percent sign in some cells of `{column}` only; write all alike.")
        try:
            return np.array(numbers(cells, comma=self.separator != ","))
        except ValueError as error:
            k = int(str(error))
            raise DataError(
                f"Line {self.lines[k]} of the table {self.source!r} has {cells[k]!r} in `{column}`, but it must be a finite "
                "number; leave the cell empty where there is none."
            ) from None

    def cells(self, column: str) -> list[str]:
        """Return the cells of a column."""
        k = self.place(column)
        return [row[k] for row in self.rows]


def _text(content: bytes, name: str) -> str:
    """Decode a file; raises `DataError` where it is no text."""
    what = next((said for begin, said in _FOREIGN.items() if content.startswith(begin)), None)
    if what is not None:
        raise DataError(f"The table {name!r} is {what}.")
    encoding = next((encoding for encoding, mark in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"Line {line} of the table {name!r} is not UTF-8 text; save the file as CSV in UTF-8.") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(
            f"Line {line} of the table {name!r} has a NUL character, which no text has; save the file as CSV in UTF-8."
        )
    return text


def _separator(text: str) -> tuple[str, str, int]:
    """Return what the columns are separated by, the text below a line that says so, and the number of its first line."""
    if said := _SAYS_SEPARATOR.match(text):
        return said.group(1), text[said.end() :], 2
    head = "".join(io.StringIO(text, newline="").readlines()[:_LOOKED_AT])
    likely = {separator: _likelihood(head, separator) for separator in SEPARATORS + RARE}
    among = [separator for separator in SEPARATORS if likely[separator][0]] or SEPARATORS
    if among == SEPARATORS and any(likely[separator][0] for separator in RARE):
        among = RARE
    return max(among, key=likely.__getitem__), text, 1


def _likelihood(head: str, separator: str) -> tuple[bool, int]:
    """Tell whether rows are as long as the header with this separator, and how many columns there are."""
    try:
        header, *rows = [row for _, row in _records(head, separator, 1)]
    except (csv.Error, ValueError):
        return False, 0
    whole = rows[:-1] or rows  # the last one may be cut off
    n = len(header) + _has_row_names(header, whole)
    return n > 1 and all(len(_trimmed(row, n)) == n for row in whole), n


def _records(text: str, separator: str, first: int) -> list[tuple[int, list[str]]]:
    """Return the rows that have anything in them, each with its line."""
    reader, line = csv.reader(io.StringIO(text, newline=""), delimiter=separator), first
    found = []
    for row in reader:
        if any(map(str.strip, row)):
            found.append((line, row))
        line = first + reader.line_num
    return found


def _has_row_names(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether R has numbered the rows, for which its header has no name."""
    return all(len(row) == len(header) + 1 and row[0] == str(k) for k, row in enumerate(rows, start=1))


def _trimmed(row: Sequence[str], length: int) -> Sequence[str]:
    """Return a row without empty cells beyond the header's length, which spreadsheets leave."""
    return row[:length] if len(row) > length and not any(map(str.strip, row[length:])) else row


def _fitted(
    header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]], name: str
) -> tuple[tuple[str, ...], list[Sequence[str]]]:
    """Return the header and the rows, all of one length."""
    names = tuple(map(str.strip, header))
    if _has_row_names(names, [row for _, row in rows]):
        names = ("", *names)
    cells = [_trimmed(row, len(names)) for _, row in rows]
    for (line, _), row in zip(rows, cells, strict=True):
        if len(row) != len(names):
            have = f"has {len(row)} cell{'s' * (len(row) != 1)}, but its header has {len(names)}"
            shown = ", ".join(names) if len(", ".join(names)) < 60 else f"{', '.join(names)[:60]} ..."
            raise DataError(
                f"Line {line} of the table {name!r} {have}: {shown}. Let it have a header and a row an architecture, "
                "and nothing else."
            )
    return names, cells
