"""Whether a search has ended, and all that it has led to is still there: then to run it again is to do nothing."""

from dataclasses import replace
from typing import Any

from archsmith.errors import NoWinnerError
from archsmith.search import Search
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.values import History, digest
from archsmith.values.outcome import Selection
from archsmith.views.listed import listed_of
from archsmith.views.places import places
from archsmith.views.snapshot import Snapshot


def end(folder: SearchFolder, search: Search) -> None:
    """Say that the last step has ended, with which file, what it has led to, and how it stands in a list of searches."""
    history = folder.history()
    listed = replace(listed_of(Snapshot.read(folder, search, history)), phase="done", progress=1.0)
    folder.write_json("done", {**_state(folder, search, history), "listed": listed.to_kept()})


def is_finished(folder: SearchFolder, search: Search) -> bool:
    """Tell whether the last run ended with this very file, and nothing was removed, damaged or added since.

    Raises:
        CorruptObjectError: A trial is damaged.
    """
    noted = passed_over(lambda: folder.read_value("done", lambda raw: {**raw, "listed": None}), lambda _: None)
    return noted is not None and folder.is_listed() and noted == {**_state(folder, search, folder.history()), "listed": None}


def refuse_without_winner(folder: SearchFolder, search: Search, store: str, selection: Selection | None) -> None:
    """Raise `NoWinnerError` where nothing was selected; there is a report all the same."""
    if selection is None or selection.winner is None:
        why = selection.reason if selection else "nothing was selected"
        raise NoWinnerError(
            f"The search {search.name!r} has no winner: {why}. The report: {places(folder, search, store)['report']}"
        )


def _state(folder: SearchFolder, search: Search, history: History) -> dict[str, Any]:
    """Return what would be another one if anything that counts were different."""
    results = [key for kind in ("best/", "front/", "references", "report/") for key in folder.store.list(folder.key(kind))]
    names = ["space.json", "selection.json", *(key.removeprefix(folder.key("")) for key in results)]
    return {
        "search": digest(search.object.model_dump_json()),
        "trials": len(history),
        "files": {name: folder.fingerprint(name) for name in names},
    }
