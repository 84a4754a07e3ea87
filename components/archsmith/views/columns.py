"""A table for any width of a terminal: where it is too narrow, the columns that matter least are left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

GAP = 2
"""Blanks between two columns."""
NARROWEST = 12
"""Cells that a column which may be cut has at least."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    """Its heading."""
    rank: int
    """How much it matters: of two columns, the one of the lower rank is left out first."""
    justify: Literal["left", "right"] = "right"
    """Where its cells stand."""
    may_be_cut: bool = False
    """Whether it is shown as far as there is room."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A row of a table."""

    cells: tuple[str, ...]
    """One a column; of texts, which no markup is read in."""
    style: str = ""
    """Rich's name of a style."""


class FittingTable:
    """Shows rows in as many of the columns as there is room for; what is empty in every row is left out too.

    Args:
        columns: The columns, from left to right.
        rows: The rows.
        **look: What `rich.table.Table` takes.
    """

    def __init__(self, columns: Sequence[Column], rows: Sequence[Cells], **look: Any) -> None:
        self._columns, self._rows, self._look = columns, rows, look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show the table in what is left of the console's width."""
        shown = self._fitting(options.max_width)
        table = Table(**{"box": None, "pad_edge": False, "padding": (0, GAP, 0, 0), "header_style": "dim", **self._look})
        left = options.max_width - sum(map(self._width, shown)) - GAP * (len(shown) - 1)
        for k in shown:
            column, width = self._columns[k], self._width(k)
            width = min(width + left, self._wanted(k)) if column.may_be_cut else width
            table.add_column(column.name, justify=column.justify, no_wrap=True, overflow="ellipsis", width=width)
        for row in self._rows:
            table.add_row(*(Text(row.cells[k]) for k in shown), style=row.style)
        yield table

    def _fitting(self, width: int) -> list[int]:
        """Return the places of the columns that are shown."""
        shown = [k for k in range(len(self._columns)) if not self._rows or any(row.cells[k] for row in self._rows)]
        while len(shown) > 1 and sum(map(self._width, shown)) + GAP * (len(shown) - 1) > width:
            shown.remove(min(shown, key=lambda k: self._columns[k].rank))
        return shown

    def _width(self, k: int) -> int:
        """Return the width that a column needs."""
        return min(self._wanted(k), NARROWEST) if self._columns[k].may_be_cut else self._wanted(k)

    def _wanted(self, k: int) -> int:
        """Return the width in which all of a column is seen."""
        return max(cell_len(text) for text in (self._columns[k].name, *(row.cells[k] for row in self._rows)))
