"""Which columns of a table hold what of a training: at its end, or after each of its epochs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from pydantic import ConfigDict, model_validator

from archsmith.spec import Config
from archsmith.values import Fidelity
from archsmith.values.metrics import METRICS, check_own

EPOCH = "{epoch}"
"""What stands in the name of a column for the number of the epoch."""


class TableMetrics(Config):
    """The columns that hold the metrics; at least one is given.

    Any other key is a metric of your own, as in `r2: COLUMN`: any numbers, in the column's own unit. An objective that names
    it says with its `goal` which way is better.
    """

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, str]

    accuracy: str | None = None
    """Column of the validation accuracy, in percent or as a fraction."""
    loss: str | None = None
    """Column of the validation loss, in nats."""
    n_params: str | None = None
    """Column of the number of trainable parameters."""
    flops: str | None = None
    """Column of the multiply-adds of one image."""
    latency_s: str | None = None
    """Column of the time of one image, in seconds."""
    peak_memory_mb: str | None = None
    """Column of the most memory that one image takes, in MB."""

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if not self.columns:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"`metrics` names no column, but needs at least one of: {known}, or a metric of your own")
        for name in self.own:
            check_own(name)
        return self

    @property
    def columns(self) -> Mapping[str, str]:
        """The column of each metric that has one."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {**{name: column for name, column in given.items() if column is not None}, **self.own}

    @property
    def own(self) -> Mapping[str, str]:
        """The column of each metric of the user's own."""
        return dict(self.__pydantic_extra__ or {})


class TableCurve(Config):
    """The columns of a learning curve, one an epoch: in their names, `{epoch}` stands for 1, 2 and so on, up to `epochs`.

    Any other key is a metric of your own. Where one is the same after each epoch, its column has no `{epoch}`.
    """

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, str]

    accuracy: str | None = None
    """Columns of the validation accuracy after each epoch, as in `valid_{epoch}`, in percent or as a fraction."""
    loss: str | None = None
    """Columns of the validation loss after each epoch, in nats."""
    train_loss: str | None = None
    """Columns of the mean training loss of each epoch, in nats."""
    seconds: str | None = None
    """Columns of the seconds of training from its beginning to the end of each epoch, in place of a single `seconds`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, column in self._given.items():
            if EPOCH not in column:
                raise ValueError(f"`{name}` is {column!r}, but must have {EPOCH} where the number of the epoch is: valid_{EPOCH}")
        for name in self.own:
            check_own(name)
            if name in METRICS:
                raise ValueError(f"`{name}` is the same after each epoch; name its column in `metrics`")
        if not any(EPOCH in column for column in self.metrics.values()):
            raise ValueError(f"`curve` names no columns of a metric, but needs some, as in {{accuracy: valid_{EPOCH}}}")
        return self

    @property
    def metrics(self) -> Mapping[str, str]:
        """The columns of each metric."""
        return {**{k: v for k, v in self._given.items() if k in METRICS}, **self.own}

    @property
    def own(self) -> Mapping[str, str]:
        """The columns of each metric of the user's own."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def _given(self) -> Mapping[str, str]:
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: column for name, column in given.items() if column is not None}


@dataclass(frozen=True, slots=True)
class Level:
    """The columns of trainings that differ in nothing but their epochs."""

    fidelity: Fidelity
    """That of the longest ones."""
    fixed: Mapping[str, str]
    """Columns of metrics that are the same after any epoch, or known after the last one only."""
    curve: Mapping[str, str]
    """Columns of metrics after each epoch, with `{epoch}` in their names; empty where there is no curve."""
    train_loss: str | None
    """Columns of the training loss in each epoch, likewise."""
    seconds: str | None
    """Column of the seconds of training; with `{epoch}` in its name, one an epoch."""

    def has(self, fidelity: Fidelity) -> bool:
        """Tell whether these columns tell of trainings at a fidelity."""
        longest = replace(fidelity, epochs=self.fidelity.epochs) if self.curve else fidelity
        return longest == self.fidelity and fidelity.epochs <= self.fidelity.epochs

    def columns(self, epoch: int) -> Mapping[str, str]:
        """Return the column of each metric after an epoch."""
        return {**self.fixed, **{name: at(column, epoch) for name, column in self.curve.items()}}

    @property
    def each_epoch(self) -> Sequence[int]:
        """The epochs after which something is known, in order."""
        return range(1, self.fidelity.epochs + 1) if self.curve else (self.fidelity.epochs,)

    @property
    def needed(self) -> Iterator[str]:
        """The columns in which an architecture must have a value, some of them repeatedly."""
        for epoch in self.each_epoch:
            yield from self.columns(epoch).values()
            yield from (at(column, epoch) for column in (self.train_loss, self.seconds) if column is not None)

    @property
    def words(self) -> str:
        """Which fidelities these are, for people."""
        epochs = self.fidelity.epochs
        return f"each of {self.fidelity.words}" if self.curve and epochs > 1 else self.fidelity.words


def at(column: str, epoch: int) -> str:
    """Return the name of the column of an epoch."""
    return column.replace(EPOCH, str(epoch))
