"""A search on a cluster, looked at from outside until it is over."""

from collections.abc import Callable, Mapping
from typing import Any

from archsmith.cluster.following import Patience
from archsmith.cluster.kube import Kube
from archsmith.cluster.kube_api import Object
from archsmith.cluster.status import FINAL, is_seen
from archsmith.errors import TransientError

PATIENCE = Patience(every_s=2.0)
"""How long the command waits for a cluster, and how often it looks."""


def phase(search: Mapping[str, Any]) -> str:
    """Return the phase of a search, `Pending` where the controller has not seen it, or not its present spec."""
    return str(_status(search).get("phase") or "Pending")


def message(search: Mapping[str, Any]) -> str:
    """Return what the controller says of a search, for people; nothing where that is of an earlier spec."""
    return str(_status(search).get("message") or "")


def pods_namespace(search: Mapping[str, Any]) -> str:
    """Return the namespace of the pods of a search: on Kubeflow Pipelines, it is that of its runs."""
    return str((search.get("status") or {}).get("podsNamespace") or search["metadata"]["namespace"])


def is_over(search: Mapping[str, Any]) -> bool:
    """Tell whether nothing more happens to a search until its spec changes."""
    return phase(search) in FINAL


def watch_object(
    kube: Kube, name: str, look: Callable[[Object], None], *,
    tell: Callable[[str], None], patience: Patience = PATIENCE,
) -> Object:  # fmt: skip
    """Watch the object of a search until it is over; return it as it is then.

    Args:
        kube: Its namespace.
        name: Its name.
        look: Called with the object, again and again, the last time when it is over.
        tell: Called with a line where the cluster or the store does not answer.
        patience: How long to wait.

    Raises:
        NotFoundError: It is not there, or no longer.
        UnavailableError: The cluster was away for too long.
    """
    away_s, told = 0.0, ""
    while True:
        try:
            search = kube.search(name)
            look(search)
            if is_over(search):
                return search
            away_s, told = 0.0, ""
        except TransientError as error:
            if away_s >= patience.unanswered_s:
                raise
            if str(error) != told:
                tell(f"{error} Trying again.")
            away_s, told = away_s + patience.every_s, str(error)
        patience.sleep(patience.every_s)


def _status(search: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status, empty where it is about what was asked for earlier."""
    return (search.get("status") or {}) if is_seen(search) else {}
