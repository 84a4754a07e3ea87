"""The estimator that looks a trial up in a table of measurements: a NAS benchmark, and a search over it takes seconds."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from archsmith.errors import CandidateError, DataError, UnlistedError
from archsmith.evaluation.estimator import Look, Progress, look_at_nothing
from archsmith.evaluation.measurements import Measurements, fractions, measurements
from archsmith.evaluation.sheet import Sheet
from archsmith.evaluation.table_columns import Level, at
from archsmith.evaluation.table_config import TableConfig
from archsmith.spaces.space import Space
from archsmith.values import Architecture, EpochRecord, Fidelity, Proposal, Stop, Trial
from archsmith.values.metrics import OF_THE_NETWORK, test_of

Count = Callable[[Architecture], Mapping[str, float]]
"""Returns metrics that a network tells without training."""


@dataclass(frozen=True, eq=False)
class TableEstimator:
    """Looks candidates up. Its trials do not depend on the seed, and have a learning curve where the table has one."""

    table: Measurements
    """What was measured, accuracies as fractions."""
    config: TableConfig
    """Which column is what."""
    count: Count | None = None
    """Tells metrics that the table lacks; None where that isn't wanted."""
    tested: str = "accuracy"
    """The metric whose test values the table has."""
    look: Look = look_at_nothing
    """Ends a trial early where it is not worth its other epochs."""

    def estimate(self, proposal: Proposal, *, seed: int, progress: Progress) -> Trial:
        """Look `proposal` up; see `Estimator.estimate`.

        A trial that goes on from another one has the whole curve, and lasts as long as its own epochs have taken.
        """
        begun, epochs, before = time.perf_counter(), proposal.fidelity.epochs, proposal.epochs_before
        curve: list[EpochRecord] = []
        metrics: Mapping[str, float] = {}
        stop: Stop | None = None
        simulated: float | None = None
        fault: str | None = None
        try:
            level = self._level(proposal.fidelity)
            metrics = self.metrics(proposal.architecture, proposal.fidelity)
            for record in self._curve(proposal, level, begun):
                curve.append(record)
                if record.epoch <= before:
                    continue
                progress(tuple(curve))
                if record.epoch < epochs and (stop := self.look(proposal, tuple(curve))):
                    metrics = self.metrics(proposal.architecture, replace(proposal.fidelity, epochs=record.epoch))
                    break
            simulated = self._seconds(proposal, level, stop.epoch if stop else epochs)
        except CandidateError as error:
            curve, metrics, stop, fault = [], {}, None, f"{type(error).__name__}: {error}"
        return Trial(
            proposal, "failed" if fault else "stopped" if stop else "complete", metrics, tuple(curve), error=fault, stop=stop,
            seconds=time.perf_counter() - begun if simulated is None else simulated,
            finished_at=time.time(), seed=seed, device="table",
        )  # fmt: skip

    def metrics(self, architecture: Architecture, fidelity: Fidelity | None = None) -> dict[str, float]:
        """Return what the table has of an architecture, at full fidelity or another one, and what its network tells.

        Raises:
            CandidateError: The table has nothing of it, or no network can be built.
        """
        level, row = self._level(fidelity or self.config.fidelity), self._row(architecture)
        columns = level.columns((fidelity or level.fidelity).epochs)
        known = {name: self._value(column, row) for name, column in columns.items()}
        return {**(self.count(architecture) if self.count else {}), **known}

    def test(self, architecture: Architecture) -> Mapping[str, float]:
        """Return the table's test value of an architecture, such as `test_accuracy`; nothing where it has none."""
        row, column = self.table.row(architecture), self.config.test
        value = math.nan if row is None or column is None else float(self.table.columns[column][row])
        return {} if math.isnan(value) else {test_of(self.tested): value}

    def knows(self, architecture: Architecture) -> bool:
        """Tell whether the table has a row of an architecture, and every value that its trials may need in it."""
        row = self.table.row(architecture)
        return row is not None and bool(self._whole[row])

    @cached_property
    def _whole(self) -> np.ndarray:
        return self.table.whole(self.config.needed)

    def _level(self, fidelity: Fidelity) -> Level:
        level = self.config.level(fidelity)
        if level is None:
            raise UnlistedError(f"The table {self.table.source!r} has nothing of {fidelity.words}.")
        return level

    def _curve(self, proposal: Proposal, level: Level, begun: float) -> Iterator[EpochRecord]:
        """Yield a record for each epoch; what the table does not have of one is NaN there."""
        if not level.curve:
            return
        row = self._row(proposal.architecture)
        for epoch in range(1, proposal.fidelity.epochs + 1):
            metrics = {name: self._value(column, row) for name, column in level.columns(epoch).items() if name in level.curve}
            train_loss = math.nan if level.train_loss is None else self._value(at(level.train_loss, epoch), row)
            seconds = self._seconds_until(epoch, level, row)
            yield EpochRecord(
                epoch, epoch, train_loss, metrics.get("loss", math.nan), metrics.get("accuracy", math.nan),
                time.perf_counter() - begun if seconds is None else seconds,
            )  # fmt: skip

    def _seconds(self, proposal: Proposal, level: Level, end: int) -> float | None:
        """Return what the trial's own epochs have taken, up to epoch `end`; None where the table does not say."""
        row, before = self._row(proposal.architecture), proposal.epochs_before
        whole, earlier = self._seconds_until(end, level, row), self._seconds_until(before, level, row) if before else 0.0
        return None if whole is None or earlier is None else whole - earlier

    def _seconds_until(self, epoch: int, level: Level, row: int) -> float | None:
        """Return how long a training has taken until the end of an epoch, each being as long where the table has but a sum."""
        if level.seconds is None:
            return None
        column, n = at(level.seconds, epoch), level.fidelity.epochs
        return self._value(column, row) * (1.0 if column != level.seconds else epoch / n)

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
    for level in config.levels:
        _refuse_short_curve(sheet, level)
    columns = [*config.needed, *filter(None, [config.test])]
    table = measurements(sheet, space, columns, architecture=config.architecture)
    for level in config.levels:
        _refuse_impossible(table, level)
    measured = [
        c[name] for level in config.levels for c in map(level.columns, level.each_epoch) for name in c if name == "accuracy"
    ]
    # Without an accuracy, the test values are of something else, which is in a unit of its own.
    tested = [config.test] if measured and config.test is not None else []
    scaled = {**fractions(sheet, tested, config.scale), **fractions(sheet, list(dict.fromkeys(measured)), config.scale)}
    return replace(table, columns={**table.columns, **scaled})


def counted(space: Space, input_shape: tuple[int, int, int], n_classes: int) -> Count:
    """Return what tells parameters and multiply-adds of a network, counted on images of this shape."""

    def count(architecture: Architecture) -> Mapping[str, float]:
        from archsmith.models.cost import cost_of  # torch, which a search without these metrics does not need

        cost = cost_of(space, architecture, input_shape, n_classes)
        return {"n_params": float(cost.n_params), "flops": float(cost.flops)}

    return count


def _refuse_short_curve(sheet: Sheet, level: Level) -> None:
    """Raise `DataError` where a curve has columns of some epochs, and not of all of them."""
    for pattern in filter(None, [*level.curve.values(), level.train_loss, level.seconds]):
        there = [epoch for epoch in level.each_epoch if at(pattern, epoch) in sheet.header]
        if there and (missing := [epoch for epoch in level.each_epoch if epoch not in there]):
            first, last, n = at(pattern, there[0]), at(pattern, there[-1]), level.fidelity.epochs
            raise DataError(
                f"The table {sheet.source!r} has no column `{at(pattern, missing[0])}`, but a curve of {n} epochs has one for "
                f"each; it has {len(there)} of them, from `{first}` to `{last}`. Look at `epochs`; where but a few epochs were "
                "measured, name them in `fidelities`."
            )


def _refuse_impossible(table: Measurements, level: Level) -> None:
    """Raise `DataError` where something is less than nothing, or the time that a training has taken gets less."""
    given = [*level.fixed.items(), *([("seconds", level.seconds)] if level.seconds else [])]
    named = [(name, at(column, epoch)) for epoch in level.each_epoch for name, column in given]
    for name, column in dict.fromkeys(named):
        if (name in OF_THE_NETWORK or name == "seconds") and (negative := np.flatnonzero(table.columns[column] < 0)).size:
            line = table.lines[int(negative[0])]
            raise DataError(f"Line {line} of the table {table.source!r} has less than 0 in `{column}`, but {name} can't be.")
    times = [column for name, column in dict.fromkeys(named) if name == "seconds"]
    for a, b in pairwise(times):
        if (less := np.flatnonzero(table.columns[b] < table.columns[a])).size:
            raise DataError(
                f"Line {table.lines[int(less[0])]} of the table {table.source!r} has less in `{b}` than in `{a}`, but both must "
                "count the seconds from the beginning of the training."
            )
