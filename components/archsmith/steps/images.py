"""The images of a search, loaded with what a step has: the store's client for s3:// paths."""

from archsmith.evaluation.data import Cache, Dataset, load
from archsmith.search import Search
from archsmith.stores import open_store


def load_images(search: Search) -> Dataset:
    """Load and split the images that `search` names; raises `DataError` where they can't be used."""
    return load(search.spec.data, seed=search.spec.seed, fetch=Cache(open_store))
