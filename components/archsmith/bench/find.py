"""What there is to search in a table: its space, its column of architectures, its metrics, and the tests beside them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from archsmith.bench.task import Task
from archsmith.errors import DataError, UnknownNameError
from archsmith.evaluation.measurements import Sheet
from archsmith.spaces import INSTALLED
from archsmith.spaces.space import Space
from archsmith.values import Goal

VALIDATION = re.compile(r"valid|(?<![a-z])val(?![a-z])", re.IGNORECASE)
"""What the name of a column of validation values has in it."""
TEST = re.compile(r"test", re.IGNORECASE)
"""What the name of a column of test values has in it."""
TRIED = 20
"""Rows that a space must be able to read."""


def find_tasks(
    path: Path,
    *,
    space: str | None = None,
    architecture: str | None = None,
    metrics: Sequence[str] = (),
    tests: Sequence[str] = (),
    goal: Goal = "maximize",
) -> list[Task]:
    """Return a task for each column to search; what is not given is found out.

    Args:
        path: A CSV file with a header and a row an architecture.
        space: The name of a space; else the first one that reads a column of the table.
        architecture: The column with the space's notation; else the one that the space reads.
        metrics: Columns to search; else those whose names contain `valid`.
        tests: A column of test values for each of them; else the one whose name begins alike, up to `test`.
        goal: Which direction is better, in all of them.

    Raises:
        DataError: The table can't be read, or it is not clear what to search.
        UnknownNameError: There is no such space.
    """
    sheet = Sheet.read(path)
    found, column = _space(sheet, space, architecture)
    columns: list[str] = list(metrics) or [c for c in sheet.header if VALIDATION.search(c) and c != column]
    if not columns:
        raise DataError(
            f"No column of the table {sheet.source!r} has `valid` in its name; name those to search with `--metric`. "
            f"It has: {', '.join(sheet.header)}."
        )
    if tests and len(tests) != len(columns):
        raise DataError(f"{len(tests)} columns of test values are named for {len(columns)} to search; name one for each.")
    paired: list[str | None] = [*tests] or [_test(sheet, c) for c in columns]
    table = sheet.measurements(found, [*columns, *filter(None, paired)], architecture=column)
    names = _names(columns)
    return [Task(name, c, t, table, goal) for name, c, t in zip(names, columns, paired, strict=True)]


def _space(sheet: Sheet, name: str | None, column: str | None) -> tuple[Space, str | None]:
    """Return a space, and the column that it reads; None where each decision has a column."""
    if name is not None and name not in INSTALLED:
        raise UnknownNameError("space", name, INSTALLED)
    spaces = [(key, made) for key, made in _spaces() if name in (None, key)]
    for _, space in spaces:
        for candidate in [column] if column else sheet.header:
            if _reads(space, sheet, candidate):
                return space, candidate
        if not column and all(d.name in sheet.header for d in space.decisions):
            return space, None
    if name is not None and spaces and column:
        return spaces[0][1], column  # what it can't read is said when all rows are read
    raise DataError(
        f"No column of the table {sheet.source!r} is in the notation of {name or 'a space'}; tried: "
        f"{', '.join(key for key, _ in spaces) or 'none that can be made without settings'}. Name the space with `--space` and "
        f"the column with `--architecture`; the table has: {', '.join(sheet.header)}."
    )


def _spaces() -> Iterator[tuple[str, Space]]:
    """Yield every registered space that can be made without settings."""
    for name, config in INSTALLED.items():
        try:
            yield name, config().build()
        except (ValidationError, ValueError):
            continue


def _reads(space: Space, sheet: Sheet, column: str) -> bool:
    """Tell whether the first rows of a column are architectures of the space."""
    k = sheet.place(column)
    try:
        return all(space.from_text(row[k]) for row in sheet.rows[:TRIED])
    except ValueError:
        return False


def _test(sheet: Sheet, metric: str) -> str | None:
    """Return the first column whose name has the metric's beginning, up to `valid`, before its `test`."""
    found = VALIDATION.search(metric)
    if not found:
        return None
    prefix = metric[: found.start()]
    return next((c for c in sheet.header if (t := TEST.search(c)) and c[: t.start()] == prefix), None)


def _names(columns: Sequence[str]) -> list[str]:
    """Name each task by what its column begins with, where that tells them apart."""
    cut = [c[: found.start()].strip("_-. ") if (found := VALIDATION.search(c)) else c for c in columns]
    return cut if all(cut) and len(set(cut)) == len(cut) else list(columns)
