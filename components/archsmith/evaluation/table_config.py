"""The settings of the estimator that looks trials up in a table: which column is what, at which fidelity and epoch."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from archsmith.evaluation.config import EstimatorConfig, InputShape
from archsmith.evaluation.table_columns import EPOCH, Level, TableCurve, TableMetrics
from archsmith.spec import Config, Fraction
from archsmith.values import Fidelity
from archsmith.values.metrics import METRICS, OF_THE_NETWORK

MOST_MISFITS = 0.1
"""Share of a table's rows that may fit no architecture where nobody says otherwise."""

NO_COLUMNS = "there is neither `metrics` nor `curve`, but one must say which column is what: {accuracy: COLUMN}"
"""What is said where no metric has a column."""


class TableFidelity(Config):
    """What the table has of trainings at a lower fidelity, such as the rungs of a strategy.

    Metrics of the network, such as `n_params`, are the same at any fidelity. All others of the full fidelity are named here.
    """

    epochs: Annotated[int, Field(ge=1)] | None = None
    """Epochs of these trainings; those of the full fidelity where it is left out."""
    data: Fraction = 1.0
    """Fraction of the training images that they had."""
    width: Fraction = 1.0
    """Multiplier of their numbers of filters and units."""
    depth: Fraction = 1.0
    """Multiplier of their number of layers."""
    resolution: Fraction = 1.0
    """Multiplier of their images' height and width."""
    metrics: TableMetrics | None = None
    """Which column is which metric at this fidelity."""
    curve: TableCurve | None = None
    """Columns an epoch; the table then has all fidelities of fewer epochs, too."""
    seconds: str | None = None
    """Column of what these trainings took."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.metrics is None and self.curve is None:
            raise ValueError(NO_COLUMNS)
        _once(self.metrics, self.curve, self.seconds)
        return self


class TableConfig(EstimatorConfig):
    """A table of measurements, such as a NAS benchmark: a trial is looked up, and nothing is trained.

    The table is a CSV file with a header and a row an architecture, as pandas, R, Excel or DuckDB write it. Its cells are
    compared by value: 3.0 is 3, TRUE is true, and in columns separated by semicolons 0,5 is 0.5. It needs no `data`; then the
    winner is not trained either, and what the table has as its test value is reported. What it has no row of is not proposed.
    Columns of a learning curve or of lower fidelities let it stand in for trainings that are stopped early or have rungs.
    """

    needs_images: ClassVar[bool] = False
    looks_up: ClassVar[bool] = True

    path: str
    """An s3:// URI or a local path; a relative one begins in the working directory, or else beside the search file."""
    metrics: TableMetrics | None = None
    """Which column is which metric; `name: COLUMN` with a name of your own is one of your own. Required without `curve`."""
    curve: TableCurve | None = None
    """Columns an epoch: trials then have a learning curve, and may be of fewer epochs."""
    fidelities: tuple[TableFidelity, ...] = ()
    """Columns of lower fidelities, as in `[{epochs: 2, metrics: {accuracy: valid_2}, seconds: seconds_2}]`."""
    architecture: str | None = None
    """Column with the architecture in the space's notation; without it, each decision with two choices or more has its column."""
    scale: Literal["auto", "percent", "fraction"] = "auto"
    """What accuracies are given in; `auto` takes them for percent where a value is above 1."""
    seconds: str | None = None
    """Column of what the training took; trials then last as long, and `budget.minutes` counts these simulated seconds. A trial of fewer epochs, or one that goes on from another, takes its share."""  # noqa: E501
    test: str | None = None
    """Column of the test accuracy, which the search does not see; it is reported of the winner. In a table without an accuracy, of the first objective's metric."""  # noqa: E501
    misfits: Annotated[float, Field(ge=0, le=1)] = MOST_MISFITS
    """Share of the rows that may fit no architecture of the space; more are an error, unless the others are the whole space."""
    epochs: Annotated[int, Field(ge=1)] = 1
    """Epochs that the table's networks were trained for, as the trials' fidelity; with `curve`, the last one of it."""
    input_shape: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=3, max_length=3)] | None = None
    """Channels, height and width of an image, to count `n_params` and `flops` where the table lacks them."""
    classes: Annotated[int, Field(ge=2)] | None = None
    """Number of classes, beside `input_shape`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.input_shape is None) != (self.classes is None):
            raise ValueError("`input_shape` and `classes` say together what networks are built for; give both, or neither")
        if self.metrics is None and self.curve is None:
            raise ValueError(NO_COLUMNS)
        _once(self.metrics, self.curve, self.seconds)
        full, *lower = self.levels
        for k, level in enumerate(lower):
            _below(f"fidelities[{k}]", level, full)
            for other, before in zip(self._names, self.levels[: k + 1], strict=False):
                if _overlap(before, level):
                    raise ValueError(f"`fidelities[{k}]` is {level.words}, but `{other}` says already what the table has of that")
        return self

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity that trials are asked for."""
        return Fidelity(self.epochs)

    @property
    def untrained(self) -> str:
        """It is looked up."""
        return "looked up in a table"

    @property
    def curve_metrics(self) -> Set[str]:
        """Those of which the table has a column an epoch."""
        return self.curve.metrics.keys() if self.curve else set()

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The columns of the full fidelity, and those of each lower one."""
        full = _level(self.fidelity, self.metrics, self.curve, self.seconds, {})
        same = {name: column for name, column in full.fixed.items() if name in OF_THE_NETWORK}
        lower = ((Fidelity(f.epochs or self.epochs, f.data, f.width, f.depth, f.resolution), f) for f in self.fidelities)
        return (full, *(_level(fidelity, f.metrics, f.curve, f.seconds, same) for fidelity, f in lower))

    def level(self, fidelity: Fidelity) -> Level | None:
        """Return the columns of trainings at a fidelity; None where there are none."""
        return next((level for level in self.levels if level.has(fidelity)), None)

    def fault_of(self, ladder: Sequence[Fidelity]) -> str | None:
        """Say at which of these fidelities the table has nothing; None where there is none."""
        missing = [fidelity.words for fidelity in ladder if self.level(fidelity) is None]
        if not missing:
            return None
        known = "; ".join(level.words for level in self.levels)
        return (
            f"trials are to be of {'; '.join(missing)}, of which the table has nothing; it has {known}. Name the columns in "
            "`curve` or `fidelities`, or let the strategy ask for these"
        )

    @property
    def network_input(self) -> tuple[InputShape, int] | None:
        """Shape of an image and number of classes, where the settings say them."""
        if self.input_shape is None or self.classes is None:
            return None
        channels, height, width = self.input_shape
        return (channels, height, width), self.classes

    @property
    def own_metrics(self) -> Set[str]:
        """The metrics that are the user's own."""
        return self.columns.keys() - METRICS.keys()

    @property
    def listed_scores(self) -> Set[str]:
        """Those of which the table has a column."""
        return self.columns.keys() & {"n_params", "flops"}

    @property
    def columns(self) -> Mapping[str, str]:
        """The column of each metric at the full fidelity."""
        return self.levels[0].columns(self.epochs)

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns in which an architecture must have a value to be measured at any fidelity."""
        return tuple(dict.fromkeys(column for level in self.levels for column in level.needed))

    def tests(self, objective: str) -> str:
        """Return the metric whose test values the column `test` has, given that of the first objective with a goal."""
        return "accuracy" if "accuracy" in self.columns else objective

    def measures(self, *, buildable: bool) -> Set[str]:
        """Return the metrics that the table has, and those that a network tells without training."""
        counted = {"n_params", "flops"} if buildable else set[str]()
        return self.columns.keys() | counted

    @property
    def _names(self) -> Sequence[str]:
        """The key of each level."""
        return ["curve" if self.curve else "epochs", *(f"fidelities[{k}]" for k in range(len(self.fidelities)))]


def _level(
    fidelity: Fidelity, metrics: TableMetrics | None, curve: TableCurve | None, seconds: str | None, same: Mapping[str, str]
) -> Level:
    fixed = {**same, **(metrics.columns if metrics else {})}
    if curve is None:
        return Level(fidelity, fixed, {}, None, seconds)
    return Level(fidelity, fixed, curve.metrics, curve.train_loss, seconds or curve.seconds)


def _once(metrics: TableMetrics | None, curve: TableCurve | None, seconds: str | None) -> None:
    """Raise `ValueError` where a metric is named twice, or only at the end of a curve."""
    if metrics is None or curve is None:
        named = {}
    else:
        named = {name: name in curve.metrics for name in metrics.columns if name not in OF_THE_NETWORK}
    for name, twice in named.items():
        if twice:
            raise ValueError(f"both `metrics` and `curve` name {name}; name it once, in `curve`")
        raise ValueError(
            f"`metrics` names {name}, but with `curve` it may be another one after each epoch; name its columns there, or a "
            f"single one without {EPOCH} where it is a metric of your own that is always the same"
        )
    if curve is not None and curve.seconds is not None and seconds is not None:
        raise ValueError("both `seconds` and `curve.seconds` are given; keep one of them")


def _below(place: str, level: Level, full: Level) -> None:
    """Raise `ValueError` where a lower fidelity is none, or has not what the full one has."""
    if level.fidelity.epochs > full.fidelity.epochs:
        raise ValueError(
            f"`{place}.epochs` is {level.fidelity.epochs}, but the full fidelity, `epochs`, is {full.fidelity.epochs}"
        )
    wanted, named = (frozenset(x.columns(x.fidelity.epochs)) for x in (full, level))
    if missing := sorted(wanted - named):
        raise ValueError(
            f"`{place}` has no column of {', '.join(missing)}, which depends on the fidelity; name it in `{place}.metrics`"
        )
    if more := sorted(named - wanted):
        raise ValueError(f"`{place}` has a column of {', '.join(more)}, which the full fidelity has not; name both or neither")
    if (level.seconds is None) != (full.seconds is None):
        raise ValueError(f"`seconds` is given {'only in' if level.seconds else 'everywhere but in'} `{place}`; name all or none")


def _overlap(a: Level, b: Level) -> bool:
    """Tell whether two levels have something of the same fidelity."""
    return (
        a.has(b.fidelity)
        or b.has(a.fidelity)
        or bool(a.curve and b.curve and replace(a.fidelity, epochs=1) == replace(b.fidelity, epochs=1))
    )
