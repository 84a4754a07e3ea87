"""Where MLflow has a search: whoever logged it leaves that in the store, for people who look from elsewhere."""

import os
from collections.abc import Mapping
from typing import Any

from archsmith.errors import PermanentError
from archsmith.machine.kfp_pod import in_kfp_pod
from archsmith.search import Search
from archsmith.stores.folder import SearchFolder
from archsmith.tracking import redact, resolve_uri

FILE = "tracking.json"

_OF_A_MACHINE = ("sqlite:", "file:", "/")
"""How a URI begins that means something on one machine only; it is found anew there."""


def note_place(folder: SearchFolder, search: Search, store: str) -> None:
    """Leave in the store where the search is logged, if others can look there; a pod's own file goes with the pod."""
    if not search.spec.tracking.enabled:
        return
    uri = redact(resolve_uri(search.spec.tracking.uri, store))
    own = uri.startswith(_OF_A_MACHINE)
    noted = {"uri": None if own else uri, "lost": own and in_kfp_pod(os.environ)}
    if (_noted(folder) or {"uri": None, "lost": False}) != noted:
        folder.write_json(FILE, noted)


def place_of_tracking(folder: SearchFolder, search: Search, store: str) -> str | None:
    """Return where MLflow has the search; None where it is logged nowhere that lasts."""
    if not search.spec.tracking.enabled:
        return None
    noted = _noted(folder)
    if noted.get("lost"):
        return None
    return noted.get("uri") or redact(resolve_uri(search.spec.tracking.uri, store))


def _noted(folder: SearchFolder) -> Mapping[str, Any]:
    """Return what was left; it is only looked at, so one that is damaged is as good as none."""
    try:
        return dict(folder.read_json(FILE) or {})
    except (PermanentError, TypeError, ValueError):
        return {}
