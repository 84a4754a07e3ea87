"""The logs of a search's pods, in the order in which the pods were made."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from archsmith.cluster.following import Patience
from archsmith.cluster.kube import Kube
from archsmith.cluster.kube_api import Object
from archsmith.cluster.remote import PATIENCE, is_over, pods_namespace
from archsmith.errors import AccessDeniedError, NotFoundError, PermanentError, UnavailableError
from archsmith_pipelines.pods import NAMESPACE_LABEL, SEARCH_LABEL

_ENDED = ("Succeeded", "Failed")
_DEFAULT = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log."""

    pod: str
    """Whose it is."""
    text: str
    """What it says."""


def logs(kube: Kube, name: str) -> Iterator[Line]:
    """Yield what the pods of a search have said so far, the latest pod last."""
    for pod in _pods(kube, name, place_of_pods(kube, name)):
        for _, line in _read(kube, pod):
            yield line


def place_of_pods(kube: Kube, name: str) -> str:
    """Return the namespace of a search's pods; the one that is asked where it has no object there."""
    try:
        return pods_namespace(kube.search(name))
    except NotFoundError:
        return kube.namespace


def follow_logs(kube: Kube, name: str, *, patience: Patience = PATIENCE) -> Iterator[Line]:
    """Yield what the pods of a search say, pod after pod, until the search is over.

    Of pods that run side by side, the next one is read when the one before has ended.

    Args:
        kube: Its namespace.
        name: Its name.
        patience: How long to wait.

    Raises:
        UnavailableError: The cluster was away for too long.
    """
    last: dict[str, str] = {}
    ended: set[str] = set()
    away_s = 0.0
    while True:
        try:
            over = _is_over(kube, name)  # asked first: what a pod said before that is still read
            for pod in _pods(kube, name, place_of_pods(kube, name)):
                id_ = pod["metadata"]["name"]
                for at, line in _follow(kube, pod, last.get(id_, "")) if id_ not in ended else ():
                    last[id_] = at
                    yield line
                if pod.get("status", {}).get("phase") in _ENDED:
                    ended.add(id_)
            if over:
                return
            away_s = 0.0
        except UnavailableError:
            if away_s >= patience.unanswered_s:
                raise
            away_s += patience.every_s
        patience.sleep(patience.every_s)


def container(pod: Object) -> str:
    """Return the container of a pod that does the search's work."""
    names = [str(found["name"]) for found in pod["spec"]["containers"]]
    named = pod["metadata"].get("annotations", {}).get(_DEFAULT)
    return str(named) if named in names else "main" if "main" in names else names[0]


def _in_utc(at: str) -> str:
    """Return the time of a line in UTC, without its zone, so that times compare as texts; a node tells it in its own zone."""
    found = re.fullmatch(r"([\d-]+T[\d:]+)(\.\d+)?(Z|[+-]\d\d:\d\d)", at)
    if not found:
        return at
    whole, rest, zone = found.groups()
    moment = datetime.fromisoformat(f"{whole}{zone}").astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}{(rest or '.').ljust(10, '0')}"


def _is_over(kube: Kube, name: str) -> bool:
    try:
        return is_over(kube.search(name))
    except NotFoundError:
        return True


def _pods(kube: Kube, name: str, namespace: str) -> list[Object]:
    """Return the pods of a search, oldest first; where pods of all namespaces are together, those of its own one."""
    own = "" if namespace == kube.namespace else f",{NAMESPACE_LABEL}={kube.namespace}"
    found = kube.pods(f"{SEARCH_LABEL}={name}{own}", namespace)
    return sorted(found, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))


def _follow(kube: Kube, pod: Object, since: str) -> Iterator[tuple[str, Line]]:
    """Yield what a pod says after a time, until its container ends or is silent for long."""
    try:
        for at, line in _read(kube, pod, follow=True, since=since):
            if at > since:  # Kubernetes takes no more than whole seconds of the time
                yield at, line
    except UnavailableError:
        return  # the next look tells silence from a cluster that is away


def _read(kube: Kube, pod: Object, *, follow: bool = False, since: str = "") -> Iterator[tuple[str, Line]]:
    """Yield the lines of a pod, each with its time; nothing where the pod is gone or has not begun."""
    name = pod["metadata"]["name"]
    begin, namespace = f"{since.partition('.')[0]}Z" if since else "", pod["metadata"]["namespace"]
    try:
        for text in kube.log(
            name, follow=follow, container=container(pod), since=begin, timestamps=True, namespace=namespace
        ):  # fmt: skip
            at, _, said = text.partition(" ")
            yield _in_utc(at), Line(name, said)
    except AccessDeniedError:
        raise
    except PermanentError:
        return
