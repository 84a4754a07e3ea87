"""The settings of the estimators in the search file."""

from typing import Annotated

from pydantic import Field

from archsmith.spec import Config, Fraction
from archsmith.values import Fidelity


class EstimatorConfig(Config):
    """Base of an estimator's settings; its docstring's first line is its description."""

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity that trials are asked for."""
        raise NotImplementedError


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
    max_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """A trial that takes longer has failed."""

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity that trials are asked for."""
        return Fidelity(self.epochs, self.data, self.width, self.depth, self.resolution)
