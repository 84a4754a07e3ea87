"""The images of a search, loaded with what a step has: the store's client for s3:// paths."""

from functools import lru_cache
from pathlib import Path

from archsmith.evaluation.data import Cache, Dataset, load
from archsmith.search import Search
from archsmith.spec import DataSpec
from archsmith.steps.beside import beside
from archsmith.stores.s3_objects import S3Objects


def load_images(search: Search) -> Dataset:
    """Load and split the images that `search`, which must have some, names; raises `DataError` where they can't be used."""
    assert search.spec.data is not None
    return _load(search.spec.data, search.spec.seed, beside(search))


@lru_cache(maxsize=1)
def _load(spec: DataSpec, seed: int, folder: Path | None) -> Dataset:
    return load(spec, seed=seed, fetch=Cache(S3Objects.open), beside=folder)
