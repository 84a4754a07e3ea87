"""A search in its store, as every step but the first finds it."""

from archsmith.errors import CorruptObjectError, NotFoundError, SpecError
from archsmith.search import Search, parse
from archsmith.stores import open_store
from archsmith.stores.damage import passed_over
from archsmith.stores.documents import SEARCH_FILE
from archsmith.stores.folder import SearchFolder


def open_search(store: str, name: str) -> tuple[SearchFolder, Search]:
    """Open the search `name` in the store at the URI `store`.

    Raises:
        NotFoundError: The store has no search of that name; the message lists those that it has.
        CorruptObjectError: Its file is damaged, or is no valid search file to this version.
    """
    folder = find_search(store, name)
    return folder, read_search(folder)


def find_search(store: str, name: str) -> SearchFolder:
    """Return the folder of a search, be it damaged or half deleted; raises `NotFoundError` as `open_search` does."""
    opened = open_store(store)
    folder = SearchFolder(opened, name)
    if folder.read("search.yaml") is None and not folder.exists():
        names = ", ".join(sorted(SearchFolder.names(opened))) or "none"
        raise NotFoundError(f"There is no search {name!r} in the store {store!r}; it has: {names}.")
    return folder


def read_search(folder: SearchFolder) -> Search:
    """Return the search of a folder.

    Raises:
        CorruptObjectError: Its file is damaged, or not there, or means another space here than the one that was searched.
    """
    text = folder.read_search()
    if text is None:
        raise CorruptObjectError(f"The object {folder.uri('search.yaml')} is missing. {SEARCH_FILE}")
    search = parse_stored(text, folder.uri("search.yaml"))
    _refuse_other_space(folder, search)
    return search


def _refuse_other_space(folder: SearchFolder, search: Search) -> None:
    """Raise where the trials have choices of other decisions: another version of Archsmith, or of a space of one's own."""
    noted = passed_over(folder.decisions, lambda _: None)
    if noted is None:
        return
    here = {d.name: list(d.choices) for d in search.space.decisions}
    if list(noted.items()) == list(here.items()):
        return
    differ = next((name for name in (*noted, *here) if noted.get(name) != here.get(name)), "their order")
    raise CorruptObjectError(
        f"The search in {folder.uri('space.json')} has other decisions than its file has here, such as {differ!r}: another "
        f"version of Archsmith has begun it, or the space is one of your own and has changed. Use what it was begun with, or "
        f"remove the search with `archsmith delete {folder.name}`."
    )


def parse_stored(text: str, where: str) -> Search:
    """Read a search file that a store has at `where`; raises `CorruptObjectError` where it is none."""
    try:
        return parse(text, source=where)
    except SpecError as error:
        hint = f"It is damaged, or another version of Archsmith wrote it. {SEARCH_FILE}"
        raise CorruptObjectError(f"The search file in the store is not valid here.\n{error}\n{hint}") from None
