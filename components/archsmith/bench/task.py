"""What is searched: one column of a table."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from archsmith.evaluation.measurements import Measurements
from archsmith.spaces.space import Space
from archsmith.values import Architecture
from archsmith.values.metrics import Goal


@dataclass(frozen=True, eq=False)
class Task:
    """A space, and what a table has of each of its architectures."""

    name: str
    """What it is called: `cifar10`."""
    column: str
    """The column that is searched."""
    test_column: str | None
    """The column that tells the test value of what was found; the search does not see it."""
    table: Measurements
    """The table, its numbers in its own units."""
    goal: Goal = "maximize"
    """Which direction is better."""

    @property
    def space(self) -> Space:
        """Where the architectures come from."""
        return self.table.space

    @cached_property
    def best(self) -> float:
        """The best value in the table."""
        values = self.table.columns[self.column][list(self.table.rows.values())]
        return float(np.nanmax(values) if self.goal == "maximize" else np.nanmin(values))

    @cached_property
    def percent(self) -> bool:
        """Whether the column is an accuracy in percent: then strategies see a hundredth of it."""
        return self.goal == "maximize" and 1 < self.best <= 100

    def value(self, architecture: Architecture) -> float | None:
        """Return what is searched for of an architecture; None where the table has nothing."""
        return self._look_up(self.column, architecture)

    def test(self, architecture: Architecture) -> float | None:
        """Return the test value of an architecture; None where the table has nothing."""
        return self._look_up(self.test_column, architecture) if self.test_column else None

    def regret(self, value: float) -> float:
        """Return how much worse a value is than the table's best."""
        return abs(self.best - value)

    def is_better(self, a: float, b: float) -> bool:
        """Tell whether value `a` is better than `b`."""
        return a > b if self.goal == "maximize" else a < b

    def _look_up(self, column: str, architecture: Architecture) -> float | None:
        row = self.table.row(architecture)
        value = np.nan if row is None else float(self.table.columns[column][row])
        return None if np.isnan(value) else value
