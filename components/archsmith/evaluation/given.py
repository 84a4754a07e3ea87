"""What an estimator of one's own is made of: all that a step has."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from archsmith.evaluation.estimator import Checkpoints, Look, look_at_nothing
from archsmith.spaces.space import Space
from archsmith.spec import SearchSpec
from archsmith.values import Fidelity


@dataclass(frozen=True, slots=True)
class Given:
    """What a step has to make an estimator of; what it takes time or torch to get is a function."""

    space: Space
    """Where the architectures come from."""
    spec: SearchSpec
    """The search file: how networks are trained, the seed, the resources."""
    fidelity: Fidelity
    """The fidelity of the search, the highest that is asked for."""
    checkpoints: Checkpoints
    """Where to leave what a trial needs to go on, by the trial's id."""
    images: Callable[[], Any]
    """Returns the images, an `archsmith.evaluation.data.Dataset` that all workers share; raises where the search has none."""
    device: Callable[[], Any]
    """Returns where to compute, an `archsmith.evaluation.device.Device`: the GPU of this worker where there are GPUs, else the
    CPU."""
    limit_s: float = math.inf
    """Seconds that a trial may take; those that do not end by themselves are killed a little later."""
    look: Look = look_at_nothing
    """Ends a trial early, where the search has a stopper and the trial has a curve."""
