"""One look at one series: begin what is due, skip what is not, and delete what is kept no longer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from archsmith.cluster.controller import series
from archsmith.cluster.controller.children import child_object, child_of, is_child, selector
from archsmith.cluster.controller.config import PodSettings
from archsmith.cluster.controller.data_mark import Listing, listed, mark_of
from archsmith.cluster.controller.order import digest
from archsmith.cluster.controller.report import Event
from archsmith.cluster.controller.series import Begin, Begun, Child, Memory, Nothing, Skip, timestamp
from archsmith.cluster.kube import Kube
from archsmith.errors import NotFoundError
from archsmith.search import Search
from archsmith.spec.schedule import next_time
from archsmith.spec.series import name_at, spec_at

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a look."""

    fields: Mapping[str, Any]
    """Fields of the status."""
    memory: Memory
    """What is to be noted."""
    message: str
    """What the series does, for people."""
    events: Sequence[Event] = ()
    """What to tell."""


class Succession:
    """Has the searches of a series follow one another. All that a restart must not lose is in the status of the series.

    Args:
        kube: The namespace.
        pod: What all pods have in common.
        listing: Lists what an s3:// URI names.
    """

    def __init__(self, kube: Kube, pod: PodSettings, listing: Listing = listed) -> None:
        self._kube, self._pod, self._listing = kube, pod, listing

    def look(self, body: Body, search: Search, now: datetime) -> Seen:
        """Do what is due for a series.

        Raises:
            TransientError: Kubernetes or the bucket of the data does not answer now; the next look goes on.
            PermanentError: Kubernetes refuses what is due.
        """
        status, cron = body.get("status") or {}, search.spec.schedule or ""
        memory = Memory.from_dict((status.get("run") or {}).get("series") or {})
        children = self._children(body)
        memory, events = series.seen(memory, children), tuple[Event, ...]()
        if not search.spec.suspend:
            until = series.decided(cron, memory, _made_at(body), now, held=status.get("phase") == "Suspended")
            memory, events = self._turn(body, search, replace(memory, cron=cron, until=until), children, now)
            children = self._children(body) if events else children
        for name in series.outlived(children, search.spec.series.keep):
            self._delete(name)
        return Seen(_fields(status, search, memory, children, now), memory, _said(search, children, now), events)

    def _turn(
        self, body: Body, search: Search, memory: Memory, children: Sequence[Child], now: datetime
    ) -> tuple[Memory, tuple[Event, ...]]:
        """Do what is due; return what is to be remembered and told."""
        assert memory.until is not None
        due = series.turn(memory.cron, search.spec.series, memory.until, children, now)
        mark = ""
        if isinstance(due, Begin):
            mark = self._mark(body, search)
            if search.spec.series.unchanged == "skip":
                due = series.unchanged(due.at, memory, mark) or due
        match due:
            case Nothing():
                return memory, ()
            case Skip(at, reason, message):
                return replace(memory, until=at), (Event("Normal" if reason == "Unchanged" else "Warning", reason, message),)
            case Begun(at, name):  # and the controller ended before it could note that
                return replace(memory, until=at, last=name, phase="", mark=mark), ()
            case Begin(at, ends):
                return self._begin(body, search, replace(memory, until=at), at, ends, mark)

    def _begin(
        self, body: Body, search: Search, memory: Memory, at: datetime, ends: Sequence[str], mark: str
    ) -> tuple[Memory, tuple[Event, ...]]:
        name = name_at(search.name, at)
        for before in ends:
            self._delete(before)
        warm = memory.succeeded if search.spec.series.warm_start else ""
        made = self._kube.create_search(child_object(body, at, warm))
        if not made and not is_child(self._kube.search(name), body):
            message = f"The time {timestamp(at)} is skipped: there is a search {name} that is none of this series."
            return memory, (Event("Warning", "NameTaken", message),)
        memory = replace(memory, last=name, phase="", mark=mark)
        if not made:  # somebody else was quicker, and tells of it
            return memory, ()
        replaced = [Event("Warning", "Replaced", f"{', '.join(ends)} was not over, and goes: `series.concurrency` is replace.")]
        began = Event("Normal", "Began", f"The search {name} of the time {timestamp(at)} begins.")
        return memory, (*(replaced if ends else ()), began)

    def _mark(self, body: Body, search: Search) -> str:
        """Return what tells the data, and all that is asked of them, from others."""
        asked = digest({"metadata": {}, "spec": spec_at(body["spec"], search.name)})
        return mark_of(search, asked, search.spec.cluster.image or self._pod.image, self._pod.volume_mounts, self._listing)

    def _children(self, body: Body) -> list[Child]:
        """Return the searches of the series that there are."""
        found = self._kube.searches(selector(body["metadata"]["name"]))
        return [child_of(one) for one in found if is_child(one, body)]

    def _delete(self, name: str) -> None:
        """Delete a search, which may be gone by now."""
        try:
            self._kube.delete_search(name)
        except NotFoundError:
            return


def _fields(
    status: Mapping[str, Any], search: Search, memory: Memory, children: Sequence[Child], now: datetime
) -> dict[str, Any]:
    """Return the fields of the status that only a series has."""
    last = next((child for child in children if child.name == memory.last), None)
    following = None if search.spec.suspend else next_time(search.spec.schedule or "", max(now, memory.until or now))
    fields = {
        "lastScheduleTime": timestamp(last.at) if last else status.get("lastScheduleTime"),
        "nextScheduleTime": timestamp(following) if following else None,
        "lastSearch": memory.last or None,
        "champion": series.champion(status.get("champion") or {}, children) or None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _said(search: Search, children: Sequence[Child], now: datetime) -> str:
    """Say what the series does."""
    if not search.spec.suspend:
        return series.described(search.spec.schedule or "", now, children)
    under_way = ", ".join(child.name for child in children if not child.is_over and not child.is_going)
    goes_on = f" {under_way} goes on; `archsmith cancel` holds it too." if under_way else ""
    return f"spec.suspend is true: no search begins.{goes_on} Set it to false, and the next one begins at its time."


def _made_at(body: Body) -> datetime:
    return datetime.fromisoformat(body["metadata"]["creationTimestamp"])
