"""One look at one search: see how it stands, do what is due, and say so."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from archsmith.cluster.controller.config import ControllerConfig
from archsmith.cluster.controller.gpus import offered
from archsmith.cluster.controller.manifests import toleration
from archsmith.cluster.controller.order import digest, search_of
from archsmith.cluster.controller.plan import Noted, Plan, plan
from archsmith.cluster.controller.report import Event, Facts, changes, events_of, noted_in, status_of
from archsmith.cluster.controller.standing import Reader, Standing
from archsmith.cluster.controller.work import ABSENT, Engine, Order, Work
from archsmith.cluster.kube import Kube
from archsmith.cluster.status import FINAL, again, is_seen
from archsmith.errors import AccessDeniedError, ArchsmithError, NotFoundError, SpecError, TransientError
from archsmith.schedule import seconds
from archsmith.search import Search

Body = Mapping[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a look."""

    patch: Mapping[str, Any]
    """Changes of the status; empty where it is as it was."""
    events: Sequence[Event] = ()
    """What to tell."""


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
        self._readers: dict[str, Reader] = {}
        """By the uid of the object; a reader is kept, since it paces itself."""

    def reconcile(self, body: Body) -> Outcome:
        """Do what is due for a search; call it every few seconds, and from one place at a time for the same search."""
        status, now = body.get("status") or {}, self._clock()
        noted = noted_in(status, now)
        digest_ = noted.digest if noted.digest and is_seen(body) else digest(body)
        if self._over(body, noted, digest_):
            self._expire(body, now)
            if _is_read(status):
                return Outcome({})
        try:
            search = search_of(body)
        except ArchsmithError as error:
            wrong = Plan("nothing", "Failed", "InvalidSearch", str(error))
            engine = str(status.get("engine", ""))
            facts = Facts(
                wrong, replace(noted, digest=digest_), ABSENT, Standing({}), engine, _generation(body), 0, again(body), now
            )
            return self._outcome(status, facts)
        return self._outcome(status, self._facts(body, search, noted, digest_, now))

    def forget(self, body: Body) -> bool:
        """End the work of a search whose object is deleted, and its data where it says so; tell whether all is done."""
        try:
            search = search_of(body)
        except ArchsmithError:
            return True  # it never began
        order = Order(search, body, digest(body), 0)
        engine = self._engines.get((body.get("status") or {}).get("engine", ""))
        if engine is not None and not engine.stop(order):
            return False
        self._readers.pop(_uid(body), None)
        if search.spec.on_delete == "remove":
            with suppress(SpecError, NotFoundError):  # it has no store, so it never began; or the store itself is gone
                Reader(search, self._store(search)).folder().remove()
        return True

    def _over(self, body: Body, noted: Noted, digest_: str) -> bool:
        """Tell whether a search is over, and its spec asks for nothing else."""
        return noted.phase in FINAL and noted.digest == digest_ and not body["spec"].get("schedule") and is_seen(body)

    def _expire(self, body: Body, now: datetime) -> None:
        """Delete the object of a search that was over for long enough."""
        ttl, finished = body["spec"].get("ttl"), body["status"].get("finishedAt")
        if ttl and finished and now >= datetime.fromisoformat(finished) + timedelta(seconds=seconds(ttl)):
            log.info("The search %s ended %s ago, and goes.", body["metadata"]["name"], ttl)
            self._kube.delete_search(body["metadata"]["name"])

    def _facts(self, body: Body, search: Search, noted: Noted, digest_: str, now: datetime) -> Facts:
        """Look, decide and act."""
        gpus, engine_name, work = search.spec.resources.gpu, str((body.get("status") or {}).get("engine", "")), ABSENT
        standing = Standing({})
        try:
            engine = self._engine(search, engine_name, fresh=noted.digest != digest_)
            reader = self._reader(body, search)  # before anything is done: without a store there is nothing to do
            on_cpu = noted.on_cpu and noted.digest == digest_
            order = Order(search, body, digest_, 0 if on_cpu else gpus, noted.submitted)
            noted = self._change_engine(engine_name, engine, order, noted)
            engine_name = engine.name
            work = engine.look(order, noted.id)
            due = plan(search.spec, digest_, noted, work, gpu_missing=self._gpu_missing(search, work))
            ends = due.phase in FINAL and due.phase != noted.phase
            noted = self._act(engine, order, due, noted, work)
            standing = reader.read(now=ends)
        except (TransientError, AccessDeniedError, NotFoundError) as error:
            due = Plan("nothing", noted.phase or "Pending", type(error).__name__, str(error))
        except ArchsmithError as error:
            due, noted = Plan("nothing", "Failed", type(error).__name__, str(error)), replace(noted, digest=digest_)
        return Facts(due, noted, work, standing, engine_name, _generation(body), gpus, again(body), now)

    def _outcome(self, status: Mapping[str, Any], facts: Facts) -> Outcome:
        after = status_of(status, facts)
        return Outcome(changes(status, after), tuple(events_of(status, after, facts.work)))

    def _engine(self, search: Search, last: str, *, fresh: bool) -> Engine:
        """Choose the engine; what has begun stays where it is."""
        wanted: str = search.spec.cluster.engine
        wanted = self._config.engine if wanted == "auto" else wanted
        if wanted == "auto":
            kfp = self._engines.get("kfp")
            wanted = last if last and not fresh else "kfp" if kfp is not None and kfp.answers() else "job"
        if wanted not in self._engines:
            raise SpecError(f"spec.cluster.engine is {wanted!r}, but this cluster has only: {', '.join(self._engines)}.")
        return self._engines[wanted]

    def _change_engine(self, last: str, engine: Engine, order: Order, noted: Noted) -> Noted:
        """End what another engine does for the search."""
        if last in ("", engine.name) or not (noted.id or noted.scheduled):
            return noted
        if last in self._engines:
            self._engines[last].stop(order)
        return replace(noted, id="", scheduled="", submitted=0)

    def _gpu_missing(self, search: Search, work: Work) -> bool | None:
        """Tell whether a search that has none yet wants GPUs, and no node has them; None where the nodes can't be seen."""
        wanted, cluster, pod = search.spec.resources.gpu, search.spec.cluster, self._config.pod
        if not wanted or search.spec.suspend or work.state not in ("absent", "waiting"):
            return False
        if not self._config.read_nodes:
            return None
        tolerations = [*pod.tolerations, *map(toleration, cluster.tolerations)]
        selector = {**pod.node_selector, **cluster.node_selector}
        return not offered(self._kube.nodes(), cluster.gpu_resource, wanted, selector, tolerations)

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
            return replace(noted, digest=same, id="", submitted=0, scheduled="", on_cpu=due.on_cpu)
        if due.action == "schedule":
            engine.schedule(replace(order, gpus=0) if due.on_cpu else order)
            return replace(noted, digest=order.digest, id="", scheduled=order.digest, on_cpu=due.on_cpu)
        if work.state != "absent" and not noted.scheduled:  # its id is lost where the controller ended just after the start
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


def _is_read(status: Mapping[str, Any]) -> bool:
    """Tell whether the status has all that the store says."""
    return all(c["status"] == "True" for c in status.get("conditions", ()) if c["type"] == "StoreReachable")


def _generation(body: Body) -> int:
    return int(body["metadata"].get("generation", 0))


def _uid(body: Body) -> str:
    return str(body["metadata"]["uid"])
