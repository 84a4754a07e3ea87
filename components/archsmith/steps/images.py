"""The images of a search, loaded with what a step has: the store's client for s3:// paths."""

from functools import lru_cache
from pathlib import Path

from archsmith.automl.images import image_size
from archsmith.errors import DataError
from archsmith.evaluation.data import Cache, Dataset, load
from archsmith.evaluation.data.sizes import sizes
from archsmith.search import Search
from archsmith.spec import DataSpec
from archsmith.steps.beside import beside
from archsmith.steps.workers import divide, n_gpus
from archsmith.stores.folder import SearchFolder
from archsmith.stores.s3_objects import S3Objects

SMALL = frozenset({"digits", "fashion-mnist", "cifar10"})
"""Data sets whose images are known to be small, and of one size."""

LARGE = frozenset({"fashion-mnist", "cifar10"})
"""Data sets that are known to have many images, and none to validate with."""

MANY, FEW_OF_MANY = 20_000, 0.1
"""Images to train and to validate with from which on a smaller share of them validates, and which."""


def load_images(search: Search, folder: SearchFolder | None = None) -> Dataset:
    """Load and split the images that `search`, which must have some, names.

    Args:
        search: The search.
        folder: Its folder; its trials are compared with each other, so their images must be the ones that it began with.

    Raises:
        DataError: They can't be used, or are other ones by now.
    """
    assert search.spec.data is not None
    dataset = _load(search.spec.data, search.spec.seed, beside(search))
    began = folder.data_facts() if folder else None
    if began and began.digest and began.digest != dataset.digest:
        raise DataError(
            f"The images are not those that the search {search.name!r} began with. Then: {began.summary()[0]}. "
            f"Now: {dataset.facts.summary()[0]}. Bring those back, or give a search of these another name."
        )
    return dataset


def load_as(search: Search, data: DataSpec) -> Dataset:
    """Load images as `data` says, in place of the search's own section; it raises as `load_images` does."""
    return _load(data, search.spec.seed, beside(search))


def fitted(search: Search) -> tuple[DataSpec, str]:
    """Return the section `data` with which an open search trains: at which size, clean, and how many validate.

    What the file says itself stays. The images are loaded then, so that processes that are forked have them.

    Returns:
        The section, and why images are resized, where they are.
    """
    given, why = search.spec.data, ""
    assert given is not None
    data = given if "clean" in given.model_fields_set else given.model_copy(update={"clean": True})
    if given.image_size is None and given.name not in SMALL:
        data, why = _sized(search, data)
    splits_off = "validation" not in given.model_fields_set
    few = data.model_copy(update={"validation": FEW_OF_MANY})
    if given.name in LARGE and splits_off:
        data = few
    dataset = load_as(search, data)
    many = len(dataset.train) + len(dataset.validation) >= MANY
    if many and splits_off and "validation" not in dataset.own and data != few:
        load_as(search, data := few)
    return data, why


def _sized(search: Search, data: DataSpec) -> tuple[DataSpec, str]:
    found = sizes(data, fetch=Cache(S3Objects.open), beside=beside(search))
    n = len(found)
    if data.name != "folder":
        dataset = load_as(search, data)
        found, n = [dataset.input_shape[1:]], sum(map(len, (dataset.train, dataset.validation, dataset.test)))
    resources, minutes = search.spec.resources, search.spec.budget.minutes or 0
    cores = divide(resources, trials=MANY)
    size, why = image_size(found, n, minutes * cores.count * cores.threads, gpu=bool(n_gpus(resources)))
    return (data if size is None else data.model_copy(update={"image_size": size})), why


@lru_cache(maxsize=1)
def _load(spec: DataSpec, seed: int, folder: Path | None) -> Dataset:
    return load(spec, seed=seed, fetch=Cache(S3Objects.open), beside=folder)
