"""The interface of a stopper: from the curves before to a verdict on one that runs."""

from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
from pydantic import Field

from archsmith.evaluation.stopping.curves import Curves, Prediction
from archsmith.spec import Config


@dataclass(frozen=True, slots=True)
class GoOn:
    """The training goes on."""

    prediction: Prediction | None = None
    """What it is expected to reach; None where nothing can be said yet."""


@dataclass(frozen=True, slots=True)
class Give:
    """The training is not worth its end."""

    prediction: Prediction
    """What it is expected to reach."""


Verdict = GoOn | Give
"""What a stopper says of a curve."""


class Watch(Protocol):
    """Knows the curves before, and looks at one that runs; a look takes milliseconds."""

    def look(self, values: np.ndarray, features: np.ndarray, best: float) -> Verdict:
        """Say whether a training should go on; a pure function.

        Args:
            values: The curve so far, (t,), 1 <= t < horizon, float64, higher is better; NaN where there is no value.
            features: The architecture, (n_features,), as in the curves before.
            best: What the best trial so far has come to in the end, of those within the limits; -inf where there is none.
        """
        ...


class Stopper(Protocol):
    """Learns from the curves of the trials before. The estimate step calls it once in so many trials, outside of any trial."""

    def fit(self, before: Curves) -> Watch:
        """Return what can look at the next curves; a pure function, the same in every process.

        Args:
            before: Curves of the trials that whoever proposed the next one had seen, of the same length and fidelity.
        """
        ...


class StopperConfig(Config):
    """Base of a stopper's settings in the search file; its docstring's first line is its description."""

    grace: Annotated[int, Field(ge=1)] = 1
    """Epochs that every trial gets."""
    after: Annotated[int, Field(ge=2)] = 10
    """Trials that have ended before any is stopped."""
    refit: Annotated[int, Field(ge=1)] = 5
    """It learns anew when so many more trials have ended."""
    spared: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the trials, by their architectures' ids, that is never stopped: it shows whether the predictions hold."""

    def build(self) -> Stopper:
        """Make the stopper."""
        raise NotImplementedError


class PredictingConfig(StopperConfig):
    """Base of the settings of a stopper that predicts what a curve will reach."""

    chance: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """A trial is stopped where it would beat the best one so far with a lower probability than this. The stoppers that come along
    tell that by the curves that have ended, 128 of them at most, and so never less than 1/258; .05 needs ten of them."""
