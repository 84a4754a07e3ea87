"""A search in its store, as every step but the first finds it."""

import itertools
from dataclasses import replace

from archsmith.elsewhere import ElsewhereSpaceConfig
from archsmith.errors import CorruptObjectError, NotFoundError, SearchConflictError, SpecError
from archsmith.search import MAY_CHANGE, Search, parse
from archsmith.selection import find, ranked
from archsmith.spec.series import is_of_series
from archsmith.spec.yaml_document import read_yaml, write_yaml
from archsmith.stores import open_store
from archsmith.stores.cluster_note import note_of
from archsmith.stores.damage import passed_over
from archsmith.stores.documents import SEARCH_FILE
from archsmith.stores.folder import SearchFolder
from archsmith.values import History

N_NAMED = 5
"""Trials that an error names."""

NOT_CHOSEN = tuple(key for key in MAY_CHANGE if key not in {"budget", "retrain"})
"""What an open file says itself, and may say anew when its search goes on."""


def open_search(store: str, name: str, *, runs_here: bool = True) -> tuple[SearchFolder, Search]:
    """Open a search.

    Args:
        store: URI of the store.
        name: Its name.
        runs_here: As in `archsmith.search.parse`: who only looks at a search needs none of its algorithms.

    Raises:
        NotFoundError: The store has no search of that name; the message lists those that it has.
        CorruptObjectError: Its file is damaged, or is no valid search file to this version.
    """
    folder = find_search(store, name)
    return folder, read_search(folder, runs_here=runs_here)


def open_latest(store: str, name: str) -> tuple[SearchFolder, Search]:
    """Open the search `name`, or the last one of the series of that name; raises as `open_search` does."""
    try:
        return open_search(store, name)
    except NotFoundError:
        of_series = [found for found in SearchFolder.names(open_store(store)) if is_of_series(found, name)]
        if not of_series:
            raise
        return open_search(store, max(of_series))


def find_search(store: str, name: str) -> SearchFolder:
    """Return the folder of a search, be it damaged or half deleted; raises `NotFoundError` as `open_search` does."""
    opened = open_store(store)
    folder = SearchFolder(opened, name)
    if folder.read("search.yaml") is None and not folder.exists():
        names = ", ".join(sorted(SearchFolder.names(opened))) or "none"
        raise NotFoundError(f"There is no search {name!r} in the store {store!r}; it has: {names}.")
    return folder


def read_search(folder: SearchFolder, *, runs_here: bool = True) -> Search:
    """Return the search of a folder.

    Args:
        folder: Its folder.
        runs_here: As in `archsmith.search.parse`.

    Raises:
        NotFoundError: It has not begun: it waits on a cluster, or its first step has not ended.
        CorruptObjectError: Its file is damaged, or not there, or means another space here than the one that was searched.
    """
    text = folder.read_search()
    if text is None and (note := note_of(folder)):
        raise NotFoundError(f"The search {folder.name} has not begun. {note.words}")
    if text is None and not folder.is_begun():
        raise NotFoundError(
            f"The search {folder.name} has not begun: its first step has not ended, or what ran it has failed before, which "
            f"`archsmith logs {folder.name}` says. Run it again, or remove what is left with `archsmith delete {folder.name}`."
        )
    if text is None:
        raise CorruptObjectError(f"The object {folder.uri('search.yaml')} is missing. {SEARCH_FILE}")
    search = parse_stored(text, folder.uri("search.yaml"), runs_here=runs_here)
    _refuse_other_space(folder, search)
    return search


def going_on(folder: SearchFolder, search: Search, store: str) -> Search | None:
    """Return a search as it goes on in its folder; None where it begins there.

    An open file goes on with what was chosen for it, and with what it says now of where and when that runs.

    Args:
        folder: The search's folder.
        search: The search, as it is given now.
        store: URI of the store, for messages.

    Raises:
        SearchConflictError: The folder holds a different search of this name.
        CorruptObjectError: What it holds can't be read.
        SpecError: It has ended, and has not the trial that is to be trained in full.
    """
    if (text := folder.read_search()) is None:
        return None
    before = parse_stored(text, folder.uri("search.yaml"), runs_here=search.runs_here)
    asked = folder.asked() if search.open else None
    compared = before if asked is None else parse_stored(asked, folder.uri("asked.yaml"))
    if changed := search.differences(compared):
        raise SearchConflictError(
            f"The store {store!r} holds another search named {search.name!r}. It differs in:\n  "
            + "\n  ".join(changed[:10])
            + "\nGive this one another `metadata.name`, or remove that one with `archsmith delete`."
        )
    won = search.spec.retrain.trial is not None and folder.is_done() and (found := folder.selection()) and found.winner
    if won and not search.pays_for_more(history := folder.history()):
        check_named(search, history)  # before anything says that the search goes on
    return replace(_with_changes(before, search), beside=search.beside) if search.open else search


def check_named(search: Search, history: History) -> None:
    """Raise `SpecError` where the trial that is to be trained in full is none of these, or has failed."""
    named = search.spec.retrain.trial
    if named is None or find(history, named) is not None:
        return
    failed = any(named in (t.id, t.proposal.number) for t in history)
    best = ", ".join(f"{t.proposal.number} ({t.id})" for t in ranked(history, search.spec.objectives)[:N_NAMED])
    raise SpecError(
        f"spec.retrain.trial is {named!r}, but {'that trial has failed' if failed else 'the search has no such trial'}; "
        f"give the number of one, or its id in quotes. The best are: {best}."
    )


def _with_changes(chosen: Search, asked: Search) -> Search:
    """Return what was chosen for an open file with what that says now of all that may change and is not chosen."""
    file, given = read_yaml(chosen.text, chosen.name).value, read_yaml(asked.text, asked.name).value["spec"]
    spec = {key: value for key, value in file["spec"].items() if key not in NOT_CHOSEN}
    spec |= {key: given[key] for key in NOT_CHOSEN if key in given}
    told = itertools.takewhile(lambda line: line.startswith("#"), chosen.text.splitlines(keepends=True))
    changed = "".join(told) + write_yaml({**file, "spec": spec})
    made = parse_stored(changed, f"searches/{chosen.name}/search.yaml")
    return chosen if made.object == chosen.object else made


def _refuse_other_space(folder: SearchFolder, search: Search) -> None:
    """Raise where the trials have choices of other decisions: another version of Archsmith, or of a space of one's own."""
    if isinstance(search.space_config, ElsewhereSpaceConfig):
        return
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


def parse_stored(text: str, where: str, *, runs_here: bool = True) -> Search:
    """Read a search file that a store has at `where`; raises `CorruptObjectError` where it is none."""
    try:
        return parse(text, source=where, runs_here=runs_here)
    except SpecError as error:
        hint = f"It is damaged, or another version of Archsmith wrote it. {SEARCH_FILE}"
        raise CorruptObjectError(f"The search file in the store is not valid here.\n{error}\n{hint}") from None
