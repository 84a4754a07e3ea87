"""The images of a search, loaded with what a step has: the store's client for s3:// paths."""

from collections.abc import Hashable
from pathlib import Path

from archsmith.automl.images import image_size
from archsmith.errors import DataError
from archsmith.evaluation.data import Cache, Dataset, load
from archsmith.evaluation.data.sizes import sizes
from archsmith.evaluation.device import is_built_for_gpus
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
    dataset = load_as(search, search.spec.data)
    began = folder.data_facts() if folder else None
    if began and began.digest and began.digest != dataset.digest:
        raise DataError(
            f"The images are not those that the search {search.name!r} began with. Then: {began.summary()[0]}. "
            f"Now: {dataset.facts.summary()[0]}. Bring those back, or give a search of these another name."
        )
    return dataset


def load_as(search: Search, data: DataSpec) -> Dataset:
    """Load images as `data` says, in place of the search's own section; it raises as `load_images` does."""
    return _LOADED.get(data, search.spec.seed, beside(search))


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
    return _parted(search, data), why


def _parted(search: Search, data: DataSpec) -> DataSpec:
    """Load images, and return the section by which as many validate as there should be, unless the file says how many."""
    assert search.spec.data is not None
    few, given = data.model_copy(update={"validation": FEW_OF_MANY}), "validation" in search.spec.data.model_fields_set
    if given or data.name in LARGE or data == few:
        found = data if given else few
        load_as(search, found)
        return found
    return _LOADED.parted(data, search.spec.seed, beside(search), few)


def _sized(search: Search, data: DataSpec) -> tuple[DataSpec, str]:
    found = sizes(data, fetch=Cache(S3Objects.open), beside=beside(search))
    n = len(found)
    if data.name != "folder":
        dataset = load_as(search, _parted(search, data))
        found, n = [dataset.input_shape[1:]], sum(map(len, (dataset.train, dataset.validation, dataset.test)))
    resources, minutes = search.spec.resources, search.spec.budget.minutes or 0
    cores = divide(resources, trials=MANY)
    # No GPU is woken: this process forks others, which could not use it then.
    size, why = image_size(found, n, minutes * cores.count * cores.threads, gpu=is_built_for_gpus() and bool(n_gpus(resources)))
    return (data if size is None else data.model_copy(update={"image_size": size})), why


class _Loaded:
    """The images that were loaded last: those of one search, which all of its steps in this process share."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._dataset: Dataset | None = None
        self._few: dict[Hashable, DataSpec] = {}

    def get(self, spec: DataSpec, seed: int, folder: Path | None) -> Dataset:
        """Return images, loaded now if they are not those that are here."""
        if self._dataset is None or self._key != (spec, seed, folder):
            self._dataset = None  # before others are read: there may be no room for both
            self._dataset, self._key = load(spec, seed=seed, fetch=Cache(S3Objects.open), beside=folder), (spec, seed, folder)
        return self._dataset

    def parted(self, spec: DataSpec, seed: int, folder: Path | None, few: DataSpec) -> DataSpec:
        """Load images of which a smaller share validates where there are many, read once; return the section that says so.

        Args:
            spec: The section `data` of few images.
            seed: The search's.
            folder: That of the search file.
            few: The section of many.
        """
        asked = (spec, seed, folder)
        if self._dataset is not None and asked in self._few and self._key == (self._few[asked], seed, folder):
            return self._few[asked]
        self._dataset = None

        def share(n: int) -> float:
            return few.validation if n >= MANY else spec.validation

        dataset = load(spec, seed=seed, fetch=Cache(S3Objects.open), beside=folder, validation=share)
        many = len(dataset.train) + len(dataset.validation) >= MANY and "validation" not in dataset.own
        found = few if many else spec
        self._dataset, self._key, self._few = dataset, (found, seed, folder), {asked: found}
        return found


_LOADED = _Loaded()
