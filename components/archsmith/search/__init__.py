"""A search, read from its file and checked as a whole."""

from archsmith.search.reading import OURS, REGISTRIES, from_object, load, parse
from archsmith.search.search import MAY_CHANGE, Search

__all__ = ["MAY_CHANGE", "OURS", "REGISTRIES", "Search", "from_object", "load", "parse"]
