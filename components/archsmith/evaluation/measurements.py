"""A table of measurements: a CSV file with a header and a row an architecture, such as a NAS benchmark."""

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from archsmith.errors import DataError, unknown
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice

Scale = Literal["auto", "percent", "fraction"]

Rows = Sequence[Sequence[str]]
"""The cells of a file below its header; the first one is line 2 of the file."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """What a table says of the architectures of a space."""

    source: str
    """Where it comes from, for errors."""
    space: Space
    """The space of its architectures."""
    rows: Mapping[Architecture, int]
    """The row of each architecture, from 0."""
    columns: Mapping[str, np.ndarray]
    """The numbers of each column that was read, (n_rows,), float64; NaN where a cell is empty."""

    def row(self, architecture: Architecture) -> int | None:
        """Return the row of an architecture, or else of one with the same network; None where there is neither."""
        found = self.rows.get(architecture)
        return self._canonical.get(self.space.canonical(architecture)) if found is None else found

    @cached_property
    def _canonical(self) -> Mapping[Architecture, int]:
        # From the last row to the first, so that of isomorphic ones the first one counts.
        return {self.space.canonical(architecture): row for architecture, row in reversed(list(self.rows.items()))}


@dataclass(frozen=True)
class Sheet:
    """A CSV file as it stands."""

    source: str
    """Where it comes from, for errors."""
    header: tuple[str, ...]
    """The names of its columns."""
    rows: Rows
    """Its cells."""

    @classmethod
    def read(cls, path: Path, source: str | None = None) -> "Sheet":
        """Read a file; raises `DataError` where that can't be done, or a row is not as long as the header."""
        name = source or str(path)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                header, *rows = [row for row in csv.reader(file) if row] or [[]]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            reason = (isinstance(error, OSError) and error.strerror) or error
            raise DataError(f"The table {name!r} can't be read: {reason}. Give the path of a CSV file.") from error
        for number, row in enumerate(rows, start=2):
            if len(row) != len(header):
                raise DataError(f"Row {number} of the table {name!r} has {len(row)} cells, but its header has {len(header)}.")
        if not rows:
            raise DataError(f"The table {name!r} has no rows; it needs a header and a row an architecture.")
        return cls(name, tuple(header), rows)

    def place(self, column: str) -> int:
        """Return which column has this name."""
        if column not in self.header:
            raise DataError(f"{unknown('column', column, self.header)} This is the table {self.source!r}.")
        return self.header.index(column)

    def numbers(self, column: str) -> np.ndarray:
        """Return the numbers of a column; raises `DataError` where a cell is neither empty nor a finite number."""
        k = self.place(column)
        try:
            values = np.array([float(row[k]) if row[k].strip() else math.nan for row in self.rows])
        except ValueError:
            values = np.array([math.inf])
        if np.isinf(values).any():
            number, text = next((n, row[k]) for n, row in enumerate(self.rows, start=2) if not _is_number(row[k]))
            raise DataError(f"Row {number} of the table {self.source!r} has {text!r} in `{column}`, but it must be a number.")
        return values

    def measurements(self, space: Space, columns: Sequence[str], *, architecture: str | None) -> Measurements:
        """Read the architectures of a space and the numbers of some columns.

        Rows that are not of the space are passed over: the space may be a part of what the table has.

        Args:
            space: How architectures are read.
            columns: Which columns to read.
            architecture: The column with the space's notation; where it is None, each decision has a column of its name.

        Raises:
            DataError: A column is missing or has something else than numbers, an architecture is there twice, or no row
                is of the space.
        """
        numbers = {column: self.numbers(column) for column in dict.fromkeys(columns)}
        read = _by_notation(self, space, architecture) if architecture is not None else _by_decisions(self, space)
        found: dict[Architecture, int] = {}
        fault = ""
        for k, row in enumerate(self.rows):
            try:
                one = read(row)
            except ValueError as error:
                fault = fault or f"row {k + 2}: {error}"
                continue
            if found.setdefault(one, k) != k:
                raise DataError(f"Rows {found[one] + 2} and {k + 2} of the table {self.source!r} are the same architecture.")
        if not found:
            raise DataError(
                f"None of the {len(self.rows)} rows of the table {self.source!r} is of the space {space.name!r}; {fault}"
            )
        return Measurements(self.source, space, found, numbers)


def fractions(sheet: Sheet, column: str, scale: Scale = "auto") -> np.ndarray:
    """Return a column of accuracies as fractions; raises `DataError` where one lies outside of its scale."""
    values = sheet.numbers(column)
    most = 100.0 if scale == "percent" or (scale == "auto" and np.nanmax(values, initial=0.0) > 1) else 1.0
    if (wrong := np.flatnonzero((values < 0) | (values > most))).size:
        k = int(wrong[0])
        raise DataError(
            f"Row {k + 2} of the table {sheet.source!r} has {values[k]:g} in `{column}`, but an accuracy must lie in "
            f"[0, {most:g}] here; look at `scale`."
        )
    return values / most


def _by_notation(sheet: Sheet, space: Space, column: str) -> Callable[[Sequence[str]], Architecture]:
    k = sheet.place(column)
    return lambda row: space.from_text(row[k])


def _by_decisions(sheet: Sheet, space: Space) -> Callable[[Sequence[str]], Architecture]:
    given = {d.name for d in space.decisions if d.name in sheet.header}
    missing = [d.name for d in space.decisions if d.name not in given and len(d.choices) > 1]
    if missing:
        raise DataError(
            f"The table {sheet.source!r} has no column for {len(missing)} of {len(space.decisions)} decisions of the space "
            f"{space.name!r}: {', '.join(missing[:5])}. Name the column with the space's notation in `architecture`; "
            f"it has: {', '.join(sheet.header)}."
        )
    places = [sheet.place(d.name) if d.name in given else None for d in space.decisions]

    def read(row: Sequence[str]) -> Architecture:
        chosen: dict[str, Choice] = {}
        for decision, k in zip(space.decisions, places, strict=True):
            if all(chosen.get(name) in allowed for name, allowed in decision.when.items()):
                chosen[decision.name] = decision.choices[0] if k is None else decision.read(row[k])
        return Architecture(space.name, tuple(chosen.get(d.name) for d in space.decisions))

    return read


def _is_number(text: str) -> bool:
    try:
        return not text.strip() or not math.isinf(float(text))
    except ValueError:
        return False
