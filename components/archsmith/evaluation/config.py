"""The settings of the estimators in the search file."""

from collections.abc import Mapping, Set
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from archsmith.spec import Config, Fraction
from archsmith.values import Fidelity
from archsmith.values.metrics import METRICS, check_own

MOST_MISFITS = 0.1
"""Share of a table's rows that may fit no architecture where nobody says otherwise."""

Anneal = Literal["once", "rung"]
"""How often the learning rate comes down in a training that goes on from rung to rung."""

ANNEAL: Anneal = "once"
"""What ranks candidates better; `benchmarks/anneal.py` measures it."""

InputShape = tuple[int, int, int]
"""Channels, height and width of an image."""


class EstimatorConfig(Config):
    """Base of an estimator's settings; its docstring's first line is its description."""

    needs_images: ClassVar[bool] = True
    """Whether the search file must name a data set."""
    looks_up: ClassVar[bool] = False
    """Whether a trial costs next to nothing, so that it gets no process of its own."""

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity that trials are asked for."""
        raise NotImplementedError

    @property
    def network_input(self) -> tuple[InputShape, int] | None:
        """Shape of an image and number of classes, where the settings say them; else the data set does."""
        return None

    @property
    def own_metrics(self) -> Set[str]:
        """The metrics that are the user's own."""
        return set()

    @property
    def curve_metrics(self) -> Set[str]:
        """The metrics that are measured after every epoch: a stopper can tell their ends."""
        return set()

    def measures(self, *, buildable: bool) -> Set[str]:
        """Return the metrics that a trial will have.

        Args:
            buildable: Whether there are networks, and the shape of an image is known, so that they can be counted.
        """
        del buildable
        return METRICS.keys()


class TrainConfig(EstimatorConfig):
    """Real training in torch, at a lower fidelity: fewer epochs, part of the data, smaller networks, smaller images."""

    epochs: Annotated[int, Field(ge=1)] = 5
    """Passes over the training images."""
    data: Fraction = 1.0
    """Fraction of the training images, the same share of each class."""
    width: Fraction = 1.0
    """Multiplier of the numbers of filters and units."""
    depth: Fraction = 1.0
    """Multiplier of the number of layers."""
    resolution: Fraction = 1.0
    """Multiplier of the images' height and width."""
    anneal: Anneal = ANNEAL
    """Where trainings go on from rung to rung: `once`, the learning rate's schedule spans all `epochs`, and a rung is a prefix of the full training; or a schedule a `rung`, over its new epochs."""  # noqa: E501
    max_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """A trial that takes longer has failed."""

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity that trials are asked for."""
        return Fidelity(self.epochs, self.data, self.width, self.depth, self.resolution)

    @property
    def curve_metrics(self) -> Set[str]:
        """Those that are measured on the validation images."""
        return {"accuracy", "loss"}


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


class TableConfig(EstimatorConfig):
    """A table of measurements, such as a NAS benchmark: a trial is looked up, and nothing is trained.

    The table is a CSV file with a header and a row an architecture, as pandas, R, Excel or DuckDB write it. Its cells are
    compared by value: 3.0 is 3, TRUE is true, and in columns separated by semicolons 0,5 is 0.5. It needs no `data`; then the
    winner is not trained either, and what the table has as its test value is reported. What it has no row of is not proposed.
    """

    needs_images: ClassVar[bool] = False
    looks_up: ClassVar[bool] = True

    path: str
    """An s3:// URI or a local path; a relative one begins in the working directory, or else beside the search file."""
    metrics: TableMetrics
    """Which column is which metric; `name: COLUMN` with a name of your own is one of your own."""
    architecture: str | None = None
    """Column with the architecture in the space's notation; without it, each decision with two choices or more has its column."""
    scale: Literal["auto", "percent", "fraction"] = "auto"
    """What accuracies are given in; `auto` takes a column with a value above 1 for percent."""
    seconds: str | None = None
    """Column of what the training took; trials then last as long, and `budget.minutes` counts these simulated seconds."""
    test: str | None = None
    """Column of the test accuracy, which the search does not see; it is reported of the winner. In a table without an accuracy, of the first objective's metric."""  # noqa: E501
    misfits: Annotated[float, Field(ge=0, le=1)] = MOST_MISFITS
    """Share of the rows that may fit no architecture of the space; more are an error, unless the others are the whole space."""
    epochs: Annotated[int, Field(ge=1)] = 1
    """Epochs that the table's networks were trained for, as the trials' fidelity."""
    input_shape: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=3, max_length=3)] | None = None
    """Channels, height and width of an image, to count `n_params` and `flops` where the table lacks them."""
    classes: Annotated[int, Field(ge=2)] | None = None
    """Number of classes, beside `input_shape`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.input_shape is None) != (self.classes is None):
            raise ValueError("`input_shape` and `classes` say together what networks are built for; give both, or neither")
        return self

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity that trials are asked for."""
        return Fidelity(self.epochs)

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
        return self.metrics.own.keys()

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns in which an architecture must have a value to be measured."""
        return (*self.metrics.columns.values(), *filter(None, [self.seconds]))

    def tests(self, objective: str) -> str:
        """Return the metric whose test values the column `test` has, given that of the first objective with a goal."""
        return objective if self.metrics.accuracy is None else "accuracy"

    def measures(self, *, buildable: bool) -> Set[str]:
        """Return the metrics that the table has, and those that a network tells without training."""
        counted = {"n_params", "flops"} if buildable else set[str]()
        return self.metrics.columns.keys() | counted
