"""A table of measurements: what a sheet says of the architectures of a space, such as a NAS benchmark."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from archsmith.errors import DataError
from archsmith.evaluation.sheet import Sheet
from archsmith.spaces.decisions.written import is_percent
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice

Scale = Literal["auto", "percent", "fraction"]

N_NAMED = 3
"""Rows that fit no architecture of which people are told why."""


@dataclass(frozen=True, slots=True)
class Misfits:
    """Rows that fit no architecture of the space."""

    n: int = 0
    """How many there are."""
    first: tuple[str, ...] = ()
    """Of the first few the line and the reason."""

    @property
    def named(self) -> str:
        """The first few, for people."""
        more = self.n - len(self.first)
        return "; ".join(self.first) + (f"; and {more:,} more" if more else "")


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
    lines: Sequence[int]
    """The line of each row in its file."""
    misfits: Misfits = Misfits()
    """The rows of no architecture."""
    repeated: int = 0
    """Rows that say of an architecture what another one has said."""

    def row(self, architecture: Architecture) -> int | None:
        """Return the row of an architecture, or else of one with the same network; None where there is neither."""
        found = self.rows.get(architecture)
        return self._canonical.get(self.space.canonical(architecture)) if found is None else found

    def whole(self, columns: Sequence[str]) -> np.ndarray:
        """Tell of each row whether it has a value in each of these columns, (n_rows,), bool."""
        whole = np.ones(len(self.lines), dtype=bool)
        for column in columns:
            whole &= ~np.isnan(self.columns[column])
        return whole

    @cached_property
    def _canonical(self) -> Mapping[Architecture, int]:
        # From the last row to the first, so that of isomorphic ones the first one counts.
        return {self.space.canonical(architecture): row for architecture, row in reversed(list(self.rows.items()))}


def measurements(sheet: Sheet, space: Space, columns: Sequence[str], *, architecture: str | None) -> Measurements:
    """Read the architectures of a space and the numbers of some columns.

    Rows that are not of the space are counted, and passed over: the space may be a part of what the table has.

    Args:
        sheet: The file.
        space: How architectures are read.
        columns: Which columns to read.
        architecture: The column with the space's notation; where it is None, each decision has a column of its name.

    Raises:
        DataError: A column is missing or has something else than numbers, two rows of one architecture differ, or no row
            is of the space.
    """
    numbers = {column: sheet.numbers(column) for column in dict.fromkeys(columns)}
    read = _by_notation(sheet, space, architecture) if architecture is not None else _by_decisions(sheet, space)
    found: dict[Architecture, int] = {}
    misfits, first, repeated = 0, list[str](), 0
    for k, row in enumerate(sheet.rows):
        try:
            one = read(row)
        except ValueError as error:
            misfits += 1
            if misfits <= N_NAMED:
                first.append(f"line {sheet.lines[k]}: {str(error).removesuffix('.')}")
            continue
        if (other := found.setdefault(one, k)) != k:
            own = architecture is None and space.name == "yaml"  # whose decisions are for the user to make
            _refuse_other(sheet, other, k, numbers, {d.name for d in space.decisions} if own else sheet.header)
            repeated += 1
    if not found:
        raise DataError(
            f"None of the {len(sheet.rows)} rows of the table {sheet.source!r} is of the space {space.name!r}; {ended(first[0])}"
        )
    return Measurements(sheet.source, space, found, numbers, sheet.lines, Misfits(misfits, tuple(first)), repeated)


def ended(text: str) -> str:
    """Return a text with a full stop, where it has no mark at its end."""
    return text if text.endswith("?") else f"{text}."


def fractions(sheet: Sheet, columns: Sequence[str], scale: Scale = "auto") -> Mapping[str, np.ndarray]:
    """Return columns of accuracies as fractions; raises `DataError` where one lies outside of the scale, the same for all."""
    given = {column: sheet.numbers(column) for column in columns}
    most = 100.0 if _in_percent(sheet, given, scale) else 1.0
    return {column: _shares(sheet, column, values, most) for column, values in given.items()}


def _in_percent(sheet: Sheet, given: Mapping[str, np.ndarray], scale: Scale) -> bool:
    """Tell whether these columns are in percent; raises `DataError` where that can't be told."""
    if scale == "percent" or any(is_percent(cell) for column in given for cell in sheet.cells(column)):
        return True
    large = {column: found for column, values in given.items() if (found := np.flatnonzero(values > 1)).size}
    if scale == "fraction" or not large:
        return False
    if np.nanmedian(np.concatenate(list(given.values()))) <= 1:
        column = next(iter(large))
        k = int(large[column][0])
        raise DataError(
            f"Line {sheet.lines[k]} of the table {sheet.source!r} has {given[column][k]:g} in `{column}`, where most values are "
            "at most 1, so that it can't be told whether they are fractions; mend it, or set `scale` to percent or fraction."
        )
    return True


def _shares(sheet: Sheet, column: str, values: np.ndarray, most: float) -> np.ndarray:
    """Return accuracies as fractions, `most` being all; raises `DataError` where one is no accuracy."""
    if (wrong := np.flatnonzero((values < 0) | (values > most))).size:
        k = int(wrong[0])
        # A bound that is passed by little is a matter of the scale; any other value is no accuracy.
        hint = "look at `scale`" if 0 <= values[k] <= 100 else (
            "where it is something else, such as a score, name a metric of your own, as in "
            f"`metrics: {{score: {column}}}`, with `objectives: [{{metric: score, goal: maximize}}]`"
        )  # fmt: skip
        raise DataError(
            f"Line {sheet.lines[k]} of the table {sheet.source!r} has {values[k]:g} in `{column}`, but an accuracy must lie in "
            f"[0, {most:g}] here; {hint}."
        )
    return values / most


def _refuse_other(sheet: Sheet, a: int, b: int, numbers: Mapping[str, np.ndarray], decisions: Collection[str]) -> None:
    """Raise `DataError` where two rows of one architecture say different things of it."""
    for column, values in numbers.items():
        if not np.array_equal(values[a], values[b], equal_nan=True):
            differ = [
                name
                for name, one, other in zip(sheet.header, sheet.rows[a], sheet.rows[b], strict=True)
                if one != other and name not in numbers and name not in decisions and name
            ]
            way = f", or make a decision of a column in which they differ: {', '.join(differ[:3])}" if differ else ""
            raise DataError(
                f"Lines {sheet.lines[a]} and {sheet.lines[b]} of the table {sheet.source!r} are the same architecture, but have "
                f"{values[a]:g} and {values[b]:g} in `{column}`; keep one of them, or a row with their mean{way}."
            )


def _by_notation(sheet: Sheet, space: Space, column: str) -> Callable[[Sequence[str]], Architecture]:
    k = sheet.place(column)
    return lambda row: space.from_text(row[k].strip())


def _by_decisions(sheet: Sheet, space: Space) -> Callable[[Sequence[str]], Architecture]:
    given = {d.name for d in space.decisions if d.name in sheet.header}
    missing = [d.name for d in space.decisions if d.name not in given and len(d.choices) > 1]
    if missing:
        near = {c.casefold(): c for c in sheet.header if c}
        told = [f"{name} (is {near[name.casefold()]!r} meant?)" if name.casefold() in near else name for name in missing[:5]]
        raise DataError(
            f"The table {sheet.source!r} has no column for {len(missing)} of {len(space.decisions)} decisions of the space "
            f"{space.name!r}: {', '.join(told)}. Call them alike, or name the column with the space's notation in "
            f"`architecture`; it has: {', '.join(filter(None, sheet.header))}."
        )
    places = [sheet.place(d.name) if d.name in given else None for d in space.decisions]

    def read(row: Sequence[str]) -> Architecture:
        chosen: dict[str, Choice] = {}
        for decision, k in zip(space.decisions, places, strict=True):
            if decision.is_active(chosen):
                chosen[decision.name] = decision.choices[0] if k is None else decision.read(row[k])
        return Architecture(space.name, tuple(chosen.get(d.name) for d in space.decisions))

    return read
