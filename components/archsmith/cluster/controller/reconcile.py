"""One look at one search: see how it stands, do what is due, and say so."""

import logging
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from archsmith.cluster.controller.children import SERIES_LABEL
from archsmith.cluster.controller.config import ControllerConfig
from archsmith.cluster.controller.gpus import offered
from archsmith.cluster.controller.left import left_by_what_is_no_search, left_on_kfp
from archsmith.cluster.controller.manifests import toleration
from archsmith.cluster.controller.order import digest, search_of
from archsmith.cluster.controller.plan import OURS, Noted, Plan, plan
from archsmith.cluster.controller.report import (
    OF_SERIES,
    Event,
    Facts,
    changes,
    died,
    events_of,
    is_true,
    note_from,
    noted_in,
    status_of,
)
from archsmith.cluster.controller.series import timestamp
from archsmith.cluster.controller.standing import NOT_ASKED, Reader, Standing
from archsmith.cluster.controller.succession import Succession
from archsmith.cluster.controller.work import ABSENT, Engine, Order, Work
from archsmith.cluster.kube import Kube
from archsmith.cluster.status import FINAL, again, is_seen
from archsmith.errors import (
    AccessDeniedError,
    ArchsmithError,
    NotFoundError,
    PermanentError,
    SpecError,
    TransientError,
    UnavailableError,
)
from archsmith.machine import environment
from archsmith.search import Search
from archsmith.spec.schedule import seconds
from archsmith.stores.cluster_note import ClusterNote

Body = Mapping[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a look."""

    patch: Mapping[str, Any]
    """Changes of the status; empty where it is as it was."""
    events: Sequence[Event] = ()
    """What to tell."""
    failed: bool = False
    """Whether it met an error that nobody thought of."""
    died: int = 0
    """Pods that have died since the last look."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What came of a deletion."""

    done: bool
    """Whether the object may go."""
    events: Sequence[Event] = ()
    """What to tell."""
    why: str = ""
    """Why it may not."""


PATIENCE_TO_FORGET = timedelta(minutes=10)
"""How long an object that is deleted waits for pods that do not end, and for a store that does not answer: a node that is
lost, or a server that is moved, is back by then or needs a person."""

GONE = "Its object in Kubernetes was deleted, and nothing works on it; what it has found stays in the store."
"""What the store is told of a search whose data are kept."""


class NoEngineError(SpecError):
    """The controller has not the engine that a search is to run on."""


class Reconciler:
    """Runs the searches of a namespace. It remembers nothing that a restart must not lose: that is in their status.

    Args:
        kube: The namespace.
        config: The controller's settings.
        engines: The engines by name, those that the cluster may have.
        clock: The time.
    """

    def __init__(
        self, kube: Kube, config: ControllerConfig, engines: Mapping[str, Engine],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self._kube = kube
        self._config = config
        self._engines = engines
        self._clock = clock
        self._succession = Succession(kube, config.pod)
        self._readers: dict[str, Reader] = {}
        """By the uid of the object; a reader is kept, since it paces itself."""

    def reconcile(self, body: Body) -> Outcome:
        """Do what is due for a search; call it every few seconds, and from one place at a time for the same search.

        Whatever goes wrong is said in the status, and tried again at the next look.
        """
        status, now = body.get("status") or {}, self._clock()
        try:
            return self._reconcile(body, status, now)
        except Exception as error:
            message = unforeseen(error, body["metadata"]["name"])
        try:
            return self._fault(body, status, status, message, now)
        except Exception:  # the status itself is no status of ours, so it is made anew
            return self._fault(body, status, {}, message, now)

    def _fault(self, body: Body, status: Mapping[str, Any], known: Mapping[str, Any], message: str, now: datetime) -> Outcome:
        """Return the outcome of a look that met an error of our own; `known` is what of the status can be built on."""
        due = Plan("nothing", str(known.get("phase") or "Pending"), "ControllerError", message)
        noted = replace(noted_in(known, now), phase=due.phase)
        facts = Facts(due, noted, ABSENT, NOT_ASKED, str(known.get("engine", "")), _generation(body), 0, again(body), now)
        after = status_of(known, facts)
        return Outcome(changes(status, after), tuple(events_of(known, after, ABSENT)), failed=True)

    def _reconcile(self, body: Body, status: Mapping[str, Any], now: datetime) -> Outcome:
        noted = noted_in(status, now)
        digest_ = noted.digest if noted.digest and is_seen(body) else digest(body)
        is_final = _is_read(status) and noted.reason not in OURS
        if self._over(body, noted, digest_) and (self._expire(body, now) or is_final):
            return Outcome({})
        try:
            search = search_of(body)
        except ArchsmithError as error:
            wrong = Plan("nothing", "Failed", "InvalidSearch", str(error))
            engine = str(status.get("engine", ""))
            facts = Facts(
                wrong, replace(noted, digest=digest_), ABSENT, NOT_ASKED, engine, _generation(body), 0, again(body), now
            )
            return self._outcome(status, status_of(status, facts), facts.work)
        if search.spec.schedule:
            return self._series(body, search, noted, digest_, now)
        facts = self._facts(body, search, noted, digest_, now)
        after = status_of(status, facts)
        if reader := self._readers.get(_uid(body)):
            reader.leave(note_from(after, (body["metadata"].get("labels") or {}).get(SERIES_LABEL, "")))
        return self._outcome(status, after, facts.work)

    def _series(self, body: Body, search: Search, noted: Noted, digest_: str, now: datetime) -> Outcome:
        """Have the searches of a schedule follow one another; what the object itself has run before it had one is ended first."""
        status, phase = body.get("status") or {}, "Suspended" if search.spec.suspend else "Scheduled"
        engine, memory = str(status.get("engine", "")), (status.get("run") or {}).get("series") or {}
        fields: Mapping[str, Any] = _of_series(status)
        events: Sequence[Event] = ()
        try:
            self._store(search)
            if noted.id:
                self._end(body, search)
            found = self._succession.look(body, search, now)
            due, noted = Plan("nothing", phase, phase, found.message), replace(noted, id="", submitted=0)
            fields, memory, events = found.fields, found.memory.to_dict(), found.events
        except (TransientError, AccessDeniedError, NotFoundError) as error:
            due = Plan("nothing", noted.phase or phase, type(error).__name__, str(error))
        except ArchsmithError as error:
            due = Plan("nothing", "Failed", type(error).__name__, str(error))
        noted = replace(noted, phase=due.phase, digest=digest_)
        standing = Standing(dict(fields), asked=False, stays=False)
        facts = Facts(due, noted, ABSENT, standing, engine, _generation(body), 0, again(body), now, series=memory)
        outcome = self._outcome(status, status_of(status, facts), facts.work)
        return replace(outcome, events=(*events, *outcome.events))

    def forget(self, body: Body) -> Forgotten:
        """End the work of a search whose object is deleted, and remove its data where it says so; call it until all is done.

        Nothing holds an object for ever: what can't be ended or removed is told of, at once where that will not pass, else
        after ten minutes.
        """
        try:
            search = search_of(body)
        except ArchsmithError as error:
            return Forgotten(True, left_by_what_is_no_search(body, error))
        steps = [("PodsLeft", self._end), *([("DataLeft", self._remove)] if search.spec.on_delete == "remove" else [])]
        events = []
        for reason, step in steps:
            why, passes = _attempt(step, body, search)
            if why and passes and self._clock() < _deleted_at(body) + PATIENCE_TO_FORGET:
                kind = "Normal" if reason == "PodsLeft" else "Warning"  # pods take half a minute to end
                return Forgotten(False, (Event(kind, "NotDeletedYet", why),), why)
            if why:
                events.append(Event("Warning", reason, f"{why} {self._left(reason, search)}"))
        if search.spec.on_delete != "remove":
            with suppress(ArchsmithError):  # it has no store, or that is away: then the last word stays
                Reader(search, self._store(search)).clear(
                    ClusterNote("Deleted", "", GONE, timestamp(self._clock()), is_usual=False)
                )
        self._readers.pop(_uid(body), None)
        return Forgotten(True, tuple(events))

    def _end(self, body: Body, search: Search) -> None:
        """End the pods of a search."""
        last = str((body.get("status") or {}).get("engine", ""))
        if last and last not in self._engines:
            if why := left_on_kfp(body):
                raise PermanentError(why)
            return
        if not last and search.spec.schedule:
            return  # a series, which begins nothing itself
        try:  # where none is noted, the controller may have ended between the start and the note of it
            engine = self._engines[last] if last else self._engine(search, "", fresh=True)
        except NoEngineError:
            return
        if not engine.stop(Order(search, body, digest(body), 0)):
            raise UnavailableError("Its pods are still ending.")

    def _remove(self, _: Body, search: Search) -> None:
        """Remove what the store has of a search, and not what it has of another one of its name."""
        with suppress(SpecError, NotFoundError):  # it has no store, so it never began; or all is removed
            Reader(search, self._store(search)).remove()

    def _left(self, reason: str, search: Search) -> str:
        """Say what is left of a search whose object goes, and who can remove it."""
        if reason == "PodsLeft":
            return f"The search {search.name} goes without waiting for its pods any longer."
        where = f"{search.spec.storage.uri or os.environ.get('ARCHSMITH_STORE', '')}, where `archsmith delete` removes them."
        return f"The search {search.name} goes; its trials and models, if there are any, stay in {where}"

    def _over(self, body: Body, noted: Noted, digest_: str) -> bool:
        """Tell whether a search is over, and its spec asks for nothing else."""
        return noted.phase in FINAL and noted.digest == digest_ and not body["spec"].get("schedule") and is_seen(body)

    def _expire(self, body: Body, now: datetime) -> bool:
        """Delete the object of a search that was over for long enough; tell whether it was."""
        ttl, finished = body["spec"].get("ttl"), body["status"].get("finishedAt")
        if ttl and finished and now >= datetime.fromisoformat(finished) + timedelta(seconds=seconds(ttl)):
            log.info("The search %s ended %s ago, and goes.", body["metadata"]["name"], ttl)
            self._kube.delete_search(body["metadata"]["name"])
            return True
        return False

    def _facts(self, body: Body, search: Search, noted: Noted, digest_: str, now: datetime) -> Facts:
        """Look, decide and act."""
        gpus, status, work = search.spec.resources.gpu, body.get("status") or {}, ABSENT
        engine_name, standing, gpu_offered = str(status.get("engine", "")), NOT_ASKED, None
        try:
            engine = self._engine(search, engine_name, fresh=noted.digest != digest_)
            reader = self._reader(body, search)  # before anything is done: without a store there is nothing to do
            on_cpu = noted.on_cpu and noted.digest == digest_
            order = Order(search, body, digest_, 0 if on_cpu else gpus, noted.submitted)
            left = left_on_kfp(body) if engine_name and engine_name not in self._engines else ""
            noted = self._change_engine(engine_name, engine, order, noted)
            engine_name = engine.name
            work = engine.look(order, noted.id)
            gpu_offered = self._gpu_offered(search, work, status)
            missing = None if gpu_offered is None else not gpu_offered
            missing = missing if gpus and work.state in ("absent", "waiting") else False
            due = plan(search.spec, digest_, noted, work, gpu_missing=missing)
            if left and due.action == "start":
                due = replace(due, message=f"{due.message} {left}")
            ends = due.phase in FINAL and due.phase != noted.phase
            noted = self._act(engine, order, due, noted, work)
            standing = reader.read(now=ends)
        except (TransientError, AccessDeniedError, NotFoundError) as error:
            due = Plan("nothing", noted.phase or "Pending", type(error).__name__, str(error))
            if known := self._readers.get(_uid(body)):  # it may be the store that is away
                standing = known.read()
        except ArchsmithError as error:
            due, noted = Plan("nothing", "Failed", type(error).__name__, str(error)), replace(noted, digest=digest_)
        resource = search.spec.cluster.gpu_resource
        return Facts(
            due, noted, work, standing, engine_name, _generation(body), gpus, again(body), now, gpu_offered, resource, series={}
        )  # fmt: skip

    def _outcome(self, status: Mapping[str, Any], after: Mapping[str, Any], work: Work) -> Outcome:
        """Return what makes one status of the other, and what is told of that."""
        return Outcome(changes(status, after), tuple(events_of(status, after, work)), died=died(status, after, work))

    def _engine(self, search: Search, last: str, *, fresh: bool) -> Engine:
        """Choose the engine; what has begun stays where it is."""
        wanted: str = search.spec.cluster.engine
        wanted = self._config.engine if wanted == "auto" else wanted
        if wanted == "auto":
            kfp = self._engines.get("kfp")
            wanted = last if last and not fresh else "kfp" if kfp is not None and kfp.answers() else "job"
        if wanted not in self._engines:
            raise NoEngineError(f"spec.cluster.engine is {wanted!r}, but this cluster has only: {', '.join(self._engines)}.")
        return self._engines[wanted]

    def _change_engine(self, last: str, engine: Engine, order: Order, noted: Noted) -> Noted:
        """End what another engine does for the search."""
        if last in ("", engine.name) or not noted.id:
            return noted
        if last in self._engines and not self._engines[last].stop(order):
            raise UnavailableError("What ran it before is being ended.")
        return replace(noted, id="", submitted=0)

    def _gpu_offered(self, search: Search, work: Work, status: Mapping[str, Any]) -> bool | None:
        """Tell whether a node has the GPUs that a search wants; None where it wants none, or the nodes can't be seen."""
        wanted, cluster, pod = search.spec.resources.gpu, search.spec.cluster, self._config.pod
        if not wanted or search.spec.suspend or not self._config.read_nodes:
            return None
        if work.state == "running" and is_true(status, "GpuOffered"):
            return True  # seen before; the list of nodes may be long
        tolerations = [*pod.tolerations, *map(toleration, cluster.tolerations)]
        selector = {**pod.node_selector, **cluster.node_selector}
        return offered(self._kube.nodes(), cluster.gpu_resource, wanted, selector, tolerations)

    def _act(self, engine: Engine, order: Order, due: Plan, noted: Noted, work: Work) -> Noted:
        """Have the engine do what is due; return what is to be noted."""
        noted = replace(noted, phase=due.phase)
        if due.action == "start":
            id_ = engine.start(replace(order, gpus=0) if due.on_cpu else order)
            return replace(noted, digest=order.digest, id=id_, submitted=0, on_cpu=due.on_cpu)
        if due.action == "start again":
            return replace(noted, id=engine.start(order), submitted=noted.submitted + 1)
        if due.action == "stop":
            engine.stop(order)
            same = noted.digest if noted.digest == order.digest else ""
            return replace(noted, digest=same, id="", submitted=0, on_cpu=due.on_cpu)
        if work.state != "absent":  # its id is lost where the controller ended just after the start
            return replace(noted, digest=order.digest, id=work.id or noted.id)
        return noted

    def _reader(self, body: Body, search: Search) -> Reader:
        """Return what reads the search's store."""
        reader = self._readers.get(_uid(body))
        if reader is None or reader.search.text != search.text:
            reader = self._readers[_uid(body)] = Reader(search, self._store(search), self._config.mlflow_pages)
        return reader

    def _store(self, search: Search) -> str:
        """Return the URI of the store; a folder of the pod would be lost with it."""
        uri = search.spec.storage.uri or os.environ.get("ARCHSMITH_STORE", "")
        if not uri.startswith("s3://"):
            raise SpecError(
                f"spec.storage.uri is {uri!r}, but on a cluster must be s3://bucket/prefix: a pod's folders go with it."
            )
        return uri


def unforeseen(error: Exception, name: str) -> str:
    """Log an error that nobody thought of, and say it for people; no key that stands in its text is shown."""
    said = environment.redact(str(error))
    log.error("%s: %s", name, environment.redact("".join(traceback.format_exception(error))).rstrip())
    line = " ".join(said.split())[:300].rstrip(".")
    return (
        f"The controller met an error of its own, {type(error).__name__}{f': {line}' if line else ''}. It looks again in a few "
        "seconds; its log says where this was, and is what a report of it needs."
    )


def _attempt(step: Callable[[Body, Search], None], body: Body, search: Search) -> tuple[str, bool]:
    """Do a step of a deletion; return why that failed, if it did, and whether it may pass."""
    try:
        step(body, search)
    except ArchsmithError as error:
        return str(error), isinstance(error, TransientError)
    except Exception as error:
        return unforeseen(error, search.name), False
    return "", False


def _deleted_at(body: Body) -> datetime:
    """Return when the object was deleted."""
    return datetime.fromisoformat(body["metadata"].get("deletionTimestamp") or datetime.now(UTC).isoformat())


def _of_series(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the status says of a series."""
    return {key: status[key] for key in OF_SERIES if key in status}


def _is_read(status: Mapping[str, Any]) -> bool:
    """Tell whether the status has all that the store says."""
    return all(c["status"] == "True" for c in status.get("conditions", ()) if c["type"] == "StoreReachable")


def _generation(body: Body) -> int:
    return int(body["metadata"].get("generation", 0))


def _uid(body: Body) -> str:
    return str(body["metadata"]["uid"])
