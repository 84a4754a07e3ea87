"""The images of a search, loaded with what a step has: the store's client for s3:// paths."""

from functools import lru_cache
from pathlib import Path

from archsmith.errors import DataError
from archsmith.evaluation.data import Cache, Dataset, load
from archsmith.search import Search
from archsmith.spec import DataSpec
from archsmith.steps.beside import beside
from archsmith.stores.folder import SearchFolder
from archsmith.stores.s3_objects import S3Objects


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


@lru_cache(maxsize=1)
def _load(spec: DataSpec, seed: int, folder: Path | None) -> Dataset:
    return load(spec, seed=seed, fetch=Cache(S3Objects.open), beside=folder)
