"""What a search notes of its end: when it was, and what MLflow lacks.

Both are only looked at, so what is damaged is passed over.
"""

import json
import shlex
import time
from typing import TYPE_CHECKING, Any

from archsmith.errors import CorruptObjectError
from archsmith.stores import absolute_uri, default_uri
from archsmith.stores.folder import SearchFolder
from archsmith.tracking import Ended
from archsmith.values import digest

if TYPE_CHECKING:
    from archsmith.report import ReportData  # with it comes what draws

END = "end.json"
MISSING = "mlflow.json"


def note_end(folder: SearchFolder, data: "ReportData") -> None:
    """Note that the search has ended now, unless it has ended with the very same before."""
    of = _outcome(data)
    noted = _noted(folder, END)
    if noted.get("of") != of or not isinstance(noted.get("at"), float):
        folder.write_json(END, {"at": time.time(), "of": of})


def ended(folder: SearchFolder, data: "ReportData") -> Ended:
    """Return when the search ended, and with what: as noted, so that a later look does not move its end.

    Where nothing is noted, it is the end of the last trial and of the training after it, as far as they are known.
    """
    of, noted = _outcome(data), _noted(folder, END)
    if noted.get("of") == of and isinstance(noted.get("at"), float):
        return Ended(noted["at"], of)
    last = max((trial.finished_at for trial in data.history), default=0.0) or time.time()
    return Ended(last + (data.model.seconds if data.model else 0.0), of)


def note_missing(folder: SearchFolder, has_trials: bool, why: str) -> None:
    """Note that winner and report are not in MLflow, and perhaps not even all trials."""
    what = "the winner and the report" if has_trials else "trials, the winner and the report"
    folder.write_json(MISSING, {"what": what, "why": why})


def note_complete(folder: SearchFolder) -> None:
    """Note that nothing is missing."""
    folder.store.delete([folder.key(MISSING)])


def missing(folder: SearchFolder) -> str | None:
    """Say what MLflow lacks of the search, why, and how it gets there; None where nothing is known to be missing."""
    noted = _noted(folder, MISSING)
    what, why = noted.get("what"), noted.get("why")
    if not isinstance(what, str) or not isinstance(why, str):
        return None
    plain = f"archsmith sync {folder.name}"
    said = f"MLflow lacks {what} of {folder.name!r}: {why}"
    said = said if plain in why else f"{said} `{plain}` logs them from the store."
    return said.replace(f"`{plain}`", f"`{plain}{_store_option(folder)}`")


def _store_option(folder: SearchFolder) -> str:
    """Return the option with which a command finds the search from here; nothing where it looks there by itself."""
    store = folder.uri("search.yaml").removesuffix(f"/searches/{folder.name}/search.yaml")
    return "" if absolute_uri(store) == absolute_uri(default_uri()) else f" --store {shlex.quote(store)}"


def _outcome(data: "ReportData") -> str:
    """Return what the search has ended with: equal where trials, winner and model are."""
    trials = sorted(trial.id for trial in data.history)
    others = {trial: model.to_dict() for trial, model in sorted(data.others.items())}
    model = data.model.to_dict() if data.model else None
    worth = [data.worth.to_dict()] if data.worth else []  # as it was before there were references, where there are none
    return digest(json.dumps([trials, data.selection.to_dict(), model, others, *worth], default=str))


def _noted(folder: SearchFolder, name: str) -> dict[str, Any]:
    try:
        found = folder.read_json(name)
    except CorruptObjectError:
        return {}
    return found if isinstance(found, dict) else {}
