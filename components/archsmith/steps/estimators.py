"""The estimator of a search, made with what a step has; each is imported when it is made, as not all of them need torch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archsmith.errors import SpecError
from archsmith.evaluation.config import TrainConfig, ZeroCostConfig
from archsmith.evaluation.estimator import Estimator, Look, look_at_nothing
from archsmith.evaluation.given import Given
from archsmith.search import Search
from archsmith.steps.checkpoints import StoredCheckpoints
from archsmith.stores.folder import SearchFolder

if TYPE_CHECKING:
    from archsmith.evaluation.data import Dataset
    from archsmith.evaluation.device import Device


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
    """Make the estimator that the search names; one of another distribution makes itself."""
    make = MAKERS.get(means.search.spec.estimation.name, _foreign)
    return make(means)


def _foreign(means: Means) -> Estimator:
    search = means.search
    resources = search.spec.resources

    def images() -> "Dataset":
        from archsmith.steps.images import load_images

        if search.spec.data is None:
            raise SpecError(f"The estimator {search.spec.estimation.name!r} asks for images, but the search names no `data`.")
        return means.dataset or load_images(search, means.folder)

    def device() -> "Device":
        from archsmith.evaluation.device import device_of

        return device_of(resources, means.slot)

    given = Given(
        search.space, search.spec, search.estimation.fidelity, StoredCheckpoints(means.folder), images, device, means.limit_s,
        means.look,
    )  # fmt: skip
    return search.estimation.build(given)


def _train(means: Means) -> Estimator:
    from archsmith.evaluation.device import device_of
    from archsmith.evaluation.train import TrainEstimator
    from archsmith.steps.images import load_images

    spec, config = means.search.spec, means.search.estimation
    assert config.trains is not None
    own = config if isinstance(config, TrainConfig) else TrainConfig()  # with shared weights, no trial begins with another's
    return TrainEstimator(
        means.dataset or load_images(means.search, means.folder),
        means.search.space,
        spec.training,
        device_of(spec.resources, means.slot),
        StoredCheckpoints(means.folder),
        means.limit_s,
        spec.seed,
        horizon=config.trains.epochs,
        anneal=own.anneal,
        look=means.look,
        distil=own.distil,
        folds=own.folds,
        cut_off=own.at_limit == "end",
    )


def _table(means: Means) -> Estimator:
    from archsmith.steps.table import make_table

    return replace(make_table(means.search, means.folder), look=means.look)


def _zero_cost(means: Means) -> Estimator:
    from archsmith.evaluation.device import device_of
    from archsmith.evaluation.zero_cost import ZeroCostEstimator
    from archsmith.steps.images import load_images

    spec, config = means.search.spec, means.search.estimation
    assert isinstance(config, ZeroCostConfig)
    return ZeroCostEstimator(
        means.dataset or load_images(means.search, means.folder),
        means.search.space,
        config.score,
        config.batch_size,
        device_of(spec.resources, means.slot),
        spec.seed,
    )


MAKERS: Mapping[str, Callable[[Means], Estimator]] = {
    "train": _train, "table": _table, "supernet": _train, "zero-cost": _zero_cost,
}  # fmt: skip
"""How each estimator is made, by its name in the search file; with shared weights, it is for what is trained alone."""
