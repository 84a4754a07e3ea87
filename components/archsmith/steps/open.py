"""A search in its store, as every step but the first finds it."""

from archsmith.errors import NotFoundError
from archsmith.search import Search, parse
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder


def open_search(store: str, name: str) -> tuple[SearchFolder, Search]:
    """Open the search `name` in the store at the URI `store`.

    Raises:
        NotFoundError: The store has no search of that name; the message lists those that it has.
    """
    opened = open_store(store)
    folder = SearchFolder(opened, name)
    text = folder.read_search()
    if text is None:
        names = ", ".join(sorted(SearchFolder.names(opened))) or "none"
        raise NotFoundError(f"There is no search {name!r} in the store {store!r}; it has: {names}.")
    return folder, parse(text, source=f"{name}/search.yaml")
