"""The settings of the estimators in the search file; those of a table are in `table_config`."""

from collections.abc import Sequence, Set
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from archsmith.spec import Config, Fraction
from archsmith.values import Fidelity
from archsmith.values.metrics import METRICS

Anneal = Literal["once", "rung"]
"""How often the learning rate comes down in a training that goes on from rung to rung."""

ANNEAL: Anneal = "rung"
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

    @property
    def extends(self) -> bool:
        """Whether a shorter training is the beginning of a longer one, so that their curves compare epoch by epoch."""
        return True

    def measures(self, *, buildable: bool) -> Set[str]:
        """Return the metrics that a trial will have.

        Args:
            buildable: Whether there are networks, and the shape of an image is known, so that they can be counted.
        """
        del buildable
        return METRICS.keys()

    def fault_of(self, ladder: Sequence[Fidelity]) -> str | None:
        """Say at which of these fidelities nothing can be measured; None where there is none."""
        del ladder
        return None


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

    @property
    def extends(self) -> bool:
        """Whether a shorter training is the beginning of a longer one: not where each has a schedule of its own."""
        return self.anneal == "once"
