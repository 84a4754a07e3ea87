"""What there is to search in a table: its space, its column of architectures, its metrics, and the tests beside them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from archsmith.bench.task import Task
from archsmith.errors import DataError, UnknownNameError
from archsmith.evaluation.coverage import facts_of, refuse_misfits
from archsmith.evaluation.measurements import measurements
from archsmith.evaluation.sheet import Sheet
from archsmith.spaces import INSTALLED
from archsmith.spaces.space import Space
from archsmith.values.metrics import Goal

VALIDATION = re.compile(r"valid|(?<![a-z])val(?![a-z])", re.IGNORECASE)
"""What the name of a column of validation values has in it."""
TEST = re.compile(r"test", re.IGNORECASE)
"""What the name of a column of test values has in it."""
NUMBERED = re.compile(rf"(?P<before>.*?({VALIDATION.pattern})\D*)(?P<epoch>\d+)(?P<after>.*)", re.IGNORECASE)
"""What the name of a column of one epoch is like."""
SHORTEST = 3
"""Columns that make a learning curve."""
TRIED = 20
"""Rows that a space must be able to read."""


def find_tasks(
    path: Path,
    *,
    space: str | Space | None = None,
    architecture: str | None = None,
    metrics: Sequence[str] = (),
    tests: Sequence[str] = (),
    goal: Goal = "maximize",
) -> list[Task]:
    """Return a task for each column to search; what is not given is found out.

    Args:
        path: A CSV file with a header and a row an architecture.
        space: A space, or the name of one, with its default settings; else the first one that reads the table.
        architecture: The column with the space's notation; else the one that the space reads.
        metrics: Columns to search; else those whose names contain `valid`, of those of a learning curve the last one.
        tests: A column of test values for each of them; else the one whose name begins alike, up to `test`.
        goal: Which direction is better, in all of them.

    Raises:
        DataError: The table can't be read, too many of its rows are not of the space, or it is not clear what to search.
        UnknownNameError: There is no such space.
    """
    sheet = Sheet.read(path)
    found, column = _space(sheet, space, architecture)
    columns = list(metrics) or _last_epochs([c for c in sheet.header if VALIDATION.search(c) and c != column])
    if not columns:
        raise DataError(
            f"No column of the table {sheet.source!r} has `valid` in its name; name those to search with `--metric`. "
            f"It has: {', '.join(sheet.header)}."
        )
    if tests and len(tests) != len(columns):
        raise DataError(f"{len(tests)} columns of test values are named for {len(columns)} to search; name one for each.")
    paired: list[str | None] = [*tests] or [_test(sheet, c) for c in columns]
    table = measurements(sheet, found, [*columns, *filter(None, paired)], architecture=column)
    refuse_misfits(facts_of(table, columns))
    if empty := [c for c in columns if np.isnan(table.columns[c]).all()]:
        raise DataError(f"No row of the table {sheet.source!r} has a value in `{empty[0]}`; name another column with `--metric`.")
    names = _names(columns)
    return [Task(name, c, t, table, goal) for name, c, t in zip(names, columns, paired, strict=True)]


def warnings(tasks: Sequence[Task]) -> list[str]:
    """Return what should be known of the table before it is searched."""
    return list(facts_of(tasks[0].table, [task.column for task in tasks]).warnings("are failed evaluations"))


def _space(sheet: Sheet, wanted: str | Space | None, column: str | None) -> tuple[Space, str | None]:
    """Return a space, and the column that it reads; None where each decision has a column."""
    spaces = list(_spaces(wanted))
    for space in spaces:
        for candidate in [column] if column else sheet.header:
            if _reads(space, sheet, candidate):
                return space, candidate
        if not column and all(d.name in sheet.header for d in space.decisions if len(d.choices) > 1):
            return space, None
    if wanted is not None and spaces and column:
        return spaces[0], column  # what it can't read is said when all rows are read
    tried = ", ".join(s.name for s in spaces) or "none, as its settings have no defaults"
    way = "Give" if wanted is not None else "Name the space with `--space`, or give"
    raise DataError(
        f"No column of the table {sheet.source!r} is in the notation of a space; tried: {tried}. {way} a search file that has "
        "the space with its settings, with `--file`; name the column with `--architecture`. "
        f"The table has: {', '.join(sheet.header)}."
    )


def _spaces(wanted: str | Space | None) -> Iterator[Space]:
    """Yield the space that is wanted, or else every registered one that can be made without settings."""
    if wanted is not None and not isinstance(wanted, str):
        yield wanted
        return
    if wanted is not None and wanted not in INSTALLED:
        raise UnknownNameError("space", wanted, INSTALLED)
    for name in INSTALLED if wanted is None else [wanted]:
        try:
            yield INSTALLED[name]().build()
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


def _last_epochs(columns: Sequence[str]) -> list[str]:
    """Return the columns, of those of a learning curve the last one: they have one number after another behind `valid`."""
    curves: dict[tuple[str, ...], dict[int, str]] = {}
    for column in columns:
        if numbered := NUMBERED.fullmatch(column):
            curves.setdefault((numbered["before"], numbered["after"]), {})[int(numbered["epoch"])] = column
    whole = [epochs for epochs in curves.values() if len(epochs) >= SHORTEST and len(epochs) > max(epochs) - min(epochs)]
    left_out = {column for epochs in whole for epoch, column in epochs.items() if epoch < max(epochs)}
    return [column for column in columns if column not in left_out]


def _names(columns: Sequence[str]) -> list[str]:
    """Name each task by what its column begins with, where that tells them apart."""
    cut = [c[: found.start()].strip("_-. ") if (found := VALIDATION.search(c)) else c for c in columns]
    return cut if all(cut) and len(set(cut)) == len(cut) else list(columns)
