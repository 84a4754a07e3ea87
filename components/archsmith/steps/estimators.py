"""The estimator of a search, made with what a step has; each is imported when it is made, as not all of them need torch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archsmith.evaluation.config import TrainConfig
from archsmith.evaluation.estimator import Estimator, Look, look_at_nothing
from archsmith.search import Search
from archsmith.steps.checkpoints import StoredCheckpoints
from archsmith.stores.folder import SearchFolder

if TYPE_CHECKING:
    from archsmith.evaluation.data import Dataset


@dataclass(frozen=True, slots=True)
class Means:
    """What a step has to make an estimator with."""

    search: Search
    """The search."""
    folder: SearchFolder
    """Its folder in the store."""
    dataset: "Dataset | None" = None
    """Its images, where they are loaded already, and so shared by all workers."""
    slot: int = 0
    """The number of the worker among those that run now, and of its GPU where there are GPUs."""
    limit_s: float = math.inf
    """Seconds of training that a trial may take."""
    look: Look = look_at_nothing
    """Ends a trial early where it is not worth its other epochs."""


def make_estimator(means: Means) -> Estimator:
    """Make the estimator that the search names."""
    return MAKERS[means.search.spec.estimation.name](means)


def _train(means: Means) -> Estimator:
    from archsmith.evaluation.device import choose_device
    from archsmith.evaluation.train import TrainEstimator
    from archsmith.steps.images import load_images

    spec, config = means.search.spec, means.search.estimation
    assert isinstance(config, TrainConfig)
    return TrainEstimator(
        means.dataset or load_images(means.search, means.folder),
        means.search.space,
        spec.training,
        choose_device(gpu=spec.resources.gpu, fallback=spec.resources.fallback, index=means.slot),
        StoredCheckpoints(means.folder),
        means.limit_s,
        spec.seed,
        horizon=config.epochs,
        anneal=config.anneal,
        look=means.look,
    )


def _table(means: Means) -> Estimator:
    from archsmith.steps.table import make_table

    return replace(make_table(means.search, means.folder), look=means.look)


MAKERS: Mapping[str, Callable[[Means], Estimator]] = {"train": _train, "table": _table}
"""How each estimator is made, by its name in the search file."""
