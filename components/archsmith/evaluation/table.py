"""The estimator that looks a trial up in a table of measurements: a NAS benchmark, and a search over it takes seconds."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from archsmith.errors import CandidateError, DataError, UnlistedError
from archsmith.evaluation.config import TableConfig
from archsmith.evaluation.estimator import Progress
from archsmith.evaluation.measurements import Measurements, fractions, measurements
from archsmith.evaluation.sheet import Sheet
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Proposal, Trial
from archsmith.values.metrics import test_of

NEVER_NEGATIVE = frozenset({"n_params", "flops", "latency_s", "peak_memory_mb", "seconds"})
"""What no table can have less than nothing of."""

Count = Callable[[Architecture], Mapping[str, float]]
"""Returns metrics that a network tells without training."""


@dataclass(frozen=True, eq=False)
class TableEstimator:
    """Looks candidates up. Its trials have no learning curve, and do not depend on the seed."""

    table: Measurements
    """What was measured, accuracies as fractions."""
    config: TableConfig
    """Which column is what."""
    count: Count | None = None
    """Tells metrics that the table lacks; None where that isn't wanted."""
    tested: str = "accuracy"
    """The metric whose test values the table has."""

    def estimate(self, proposal: Proposal, *, seed: int, progress: Progress) -> Trial:
        """Look `proposal` up; see `Estimator.estimate`."""
        del progress
        begun = time.perf_counter()
        metrics: dict[str, float] = {}
        simulated: float | None = None
        fault: str | None = None
        try:
            metrics = self.metrics(proposal.architecture)
            if self.config.seconds:
                simulated = self._value(self.config.seconds, self._row(proposal.architecture))
        except CandidateError as error:
            metrics, fault = {}, f"{type(error).__name__}: {error}"
        return Trial(
            proposal, "failed" if fault else "complete", metrics, error=fault,
            seconds=time.perf_counter() - begun if simulated is None else simulated,
            finished_at=time.time(), seed=seed, device="table",
        )  # fmt: skip

    def metrics(self, architecture: Architecture) -> dict[str, float]:
        """Return what the table has of an architecture, and what its network tells.

        Raises:
            CandidateError: The table has nothing of it, or no network can be built.
        """
        row = self._row(architecture)
        known = {name: self._value(column, row) for name, column in self.config.metrics.columns.items()}
        return {**(self.count(architecture) if self.count else {}), **known}

    def test(self, architecture: Architecture) -> Mapping[str, float]:
        """Return the table's test value of an architecture, such as `test_accuracy`; nothing where it has none."""
        row, column = self.table.row(architecture), self.config.test
        value = math.nan if row is None or column is None else float(self.table.columns[column][row])
        return {} if math.isnan(value) else {test_of(self.tested): value}

    def knows(self, architecture: Architecture) -> bool:
        """Tell whether the table has a row of an architecture, and a value of every metric in it."""
        return self.table.has(architecture, self.config.needed)

    def _row(self, architecture: Architecture) -> int:
        row = self.table.row(architecture)
        if row is None:
            text = self.table.space.to_text(architecture)
            raise UnlistedError(f"The table {self.table.source!r} has no row of {text}.")
        return row

    def _value(self, column: str, row: int) -> float:
        value = float(self.table.columns[column][row])
        if math.isnan(value):
            raise UnlistedError(f"Line {self.table.lines[row]} of the table {self.table.source!r} has no value of `{column}`.")
        return value


def read_table(config: TableConfig, space: Space, path: Path) -> Measurements:
    """Read what `config` asks for from the CSV file at `path`, accuracies as fractions.

    Raises:
        DataError: The file or a column is missing, or has something else than it should.
    """
    sheet = Sheet.read(path, config.path)
    columns = [*config.needed, *filter(None, [config.test])]
    table = measurements(sheet, space, columns, architecture=config.architecture)
    for name, column in {**config.metrics.columns, **({"seconds": config.seconds} if config.seconds else {})}.items():
        if name in NEVER_NEGATIVE and (negative := np.flatnonzero(table.columns[column] < 0)).size:
            line = table.lines[int(negative[0])]
            raise DataError(f"Line {line} of the table {config.path!r} has less than 0 in `{column}`, but {name} can't be.")
    # Without an accuracy, the test values are of something else, which is in a unit of its own.
    accuracies = (config.metrics.accuracy, config.test) if config.metrics.accuracy is not None else ()
    return replace(
        table, columns={**table.columns, **{c: fractions(sheet, c, config.scale) for c in accuracies if c is not None}}
    )


def counted(space: Space, input_shape: tuple[int, int, int], n_classes: int) -> Count:
    """Return what tells parameters and multiply-adds of a network, counted on images of this shape."""

    def count(architecture: Architecture) -> Mapping[str, float]:
        from archsmith.models.cost import cost_of  # torch, which a search without these metrics does not need

        cost = cost_of(space, architecture, input_shape, n_classes)
        return {"n_params": float(cost.n_params), "flops": float(cost.flops)}

    return count
