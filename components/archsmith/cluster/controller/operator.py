"""The controller as a process: Kopf calls the reconciler for each search of its namespace, every few seconds."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import kopf

from archsmith.cluster.connection import direct, token_of_pod
from archsmith.cluster.controller.config import ControllerConfig, load_config
from archsmith.cluster.controller.exporter import Exporter
from archsmith.cluster.controller.job_engine import JobEngine
from archsmith.cluster.controller.kfp_engine import KfpEngine
from archsmith.cluster.controller.reconcile import Body, Outcome, Reconciler, unforeseen
from archsmith.cluster.controller.work import Engine
from archsmith.cluster.crd import GROUP, PLURAL
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.kube import Kube, connect
from archsmith.errors import AccessDeniedError, ArchsmithError, NotFoundError, TransientError
from archsmith_pipelines.pods import PULL_POLICY

T = TypeVar("T")

Write = Callable[[str, Mapping[str, Any]], Body]

EVERY_S = 5.0
"""Seconds between two looks at a search."""

HEALTH_PORT = 8080
METRICS_PORT = 9090
WORKERS = 8
"""Searches that are looked at side by side."""

CONFIG = "ARCHSMITH_CONTROLLER_CONFIG"
"""Names the file of settings."""

log = logging.getLogger(__name__)


def engines_of(config: ControllerConfig, kube: Kube) -> dict[str, Engine]:
    """Return the engines that the settings allow."""
    engines: dict[str, Engine] = {"job": JobEngine(kube, config.pod)}
    if config.engine != "job":
        users = kube.namespace if config.kfp.multi_user else None
        api = KfpApi(direct(config.kfp.url, token_of_pod()), users)
        engines["kfp"] = KfpEngine(api, kube, config.kfp, os.environ.get("ARCHSMITH_STORE", ""), pod=config.pod)
    return engines


def serve() -> None:
    """Run the searches of this namespace until SIGTERM; raises `PermanentError` where the settings are wrong."""
    config = load_config(Path(os.environ.get(CONFIG, "/etc/archsmith/controller.yaml")))
    # What the pipelines and the API of KFP read from the environment.
    os.environ["ARCHSMITH_IMAGE"] = config.pod.image
    os.environ[PULL_POLICY] = config.pod.image_pull_policy
    os.environ["KF_PIPELINES_UI_ENDPOINT"] = config.kfp.pages
    kube, exporter = connect(), Exporter()
    write = partial(kube.patch_search, status=True)
    registry = handlers(Reconciler(kube, config, engines_of(config, kube)), exporter, write)
    exporter.serve(METRICS_PORT)
    kopf.configure()
    for talkative in ("kopf.objects", "aiohttp.access"):  # a line for each look at a search, and for each probe
        logging.getLogger(talkative).setLevel(logging.WARNING)
    kopf.run(
        registry=registry,
        settings=settings(),
        namespaces=[kube.namespace],
        standalone=True,
        liveness_endpoint=f"http://0.0.0.0:{HEALTH_PORT}/healthz",
    )


def settings() -> kopf.OperatorSettings:
    """Return how Kopf works here: with few rights, and without notes of its own in the status."""
    made = kopf.OperatorSettings()
    made.scanning.disabled = True  # it may see neither namespaces nor definitions of resources
    made.execution.max_workers = WORKERS
    made.persistence.finalizer = f"{GROUP}/controller"
    made.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    made.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP, key="last-handled")
    made.posting.reporting_component = "archsmith"
    made.posting.event_name_prefix = "archsmith-"
    # A watch that breaks silently is begun anew after this time.
    made.watching.server_timeout = 300
    made.watching.client_timeout = 330
    return made


class Notes:
    """Writes the status of searches, and remembers what it has written for as long as Kopf has not seen it.

    Writing is not left to Kopf, which looks at a search never again where that fails for a minute, as while the API server is
    away or our rights are. And a watch may be late, or broken in silence for minutes: who took what it last brought for the
    object as it is now would begin at each look what has begun already.

    Args:
        write: Changes an object by a merge patch of its status, and returns it as it is then.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._left: dict[str, Outcome] = {}
        """By the uid of the object, what came of a look and could not be written."""
        self._written: dict[str, tuple[str, Body]] = {}
        """By the uid of the object, the version that was looked at, and what was made of it."""

    def latest(self, body: kopf.Body) -> Body:
        """Return an object as it was written last, where the watch has brought nothing since."""
        version, written = self._written.get(body["metadata"]["uid"], ("", body))
        return written if version and version == body["metadata"].get("resourceVersion") else body

    def left(self, body: kopf.Body) -> Outcome | None:
        """Return what is still to be written: before that, nothing else is done, or a search would be begun at each look."""
        return self._left.pop(body["metadata"]["uid"], None)

    def note(self, body: kopf.Body, outcome: Outcome) -> bool:
        """Write what came of a look; tell whether there is still a search to write it to."""
        metadata = body["metadata"]
        try:
            written = self._write(metadata["name"], {"status": outcome.patch})
        except NotFoundError:
            return False
        except ArchsmithError as error:
            if isinstance(error, (TransientError, AccessDeniedError)):
                self._left[metadata["uid"]] = outcome
            raise kopf.TemporaryError(f"Its status can't be written: {error}", delay=EVERY_S) from None
        self._written[metadata["uid"]] = str(metadata.get("resourceVersion", "")), written
        return True

    def forget(self, body: kopf.Body) -> None:
        """Forget an object that goes."""
        self._left.pop(body["metadata"]["uid"], None)
        self._written.pop(body["metadata"]["uid"], None)


class Turns:
    """Lets one thread at a time work for a search, and none once it is forgotten.

    Kopf calls the handler of a deletion while the look of a timer may be under way, which could begin what is just being ended.
    """

    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = {}
        self._ending: set[str] = set()

    @contextmanager
    def look(self, uid: str) -> Iterator[bool]:
        """Wait for the turn of a look; tell whether the search is not forgotten."""
        with self._locks.setdefault(uid, threading.Lock()):
            yield uid not in self._ending

    @contextmanager
    def forget(self, uid: str) -> Iterator[bool]:
        """Take the turn of a deletion, if it is free; tell whether it was."""
        lock = self._locks.setdefault(uid, threading.Lock())
        taken = lock.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                lock.release()

    def end(self, uid: str) -> bool:
        """Let no look at a search begin any more, as a deletion can't be taken back; tell whether this is the first time."""
        first = uid not in self._ending
        self._ending.add(uid)
        return first


def handlers(reconciler: Reconciler, exporter: Exporter, write: Write) -> kopf.OperatorRegistry:
    """Return what Kopf is to call; `write` changes an object by a merge patch of its status."""
    registry, notes, turns = kopf.OperatorRegistry(), Notes(write), Turns()

    def attempt(call: Callable[[], T], name: str) -> T:
        """Do something for a search; where not even an error of it can be told, it is done again soon, and not in a minute."""
        try:
            return call()
        except Exception as error:
            exporter.errors.inc()
            raise kopf.TemporaryError(unforeseen(error, name), delay=EVERY_S) from None

    @kopf.on.login(registry=registry)
    def log_in(**known: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**known) or kopf.login_with_kubeconfig(**known)

    @kopf.timer(GROUP, "v1alpha1", PLURAL, interval=EVERY_S, registry=registry)
    def look(body: kopf.Body, name: str, **_: Any) -> None:
        with turns.look(body["metadata"]["uid"]) as is_there, exporter.reconcile_s.time():
            if is_there and not body["metadata"].get("deletionTimestamp"):
                look_at(body, name)

    def look_at(body: kopf.Body, name: str) -> None:
        """Look at a search, and write what came of it."""
        latest = notes.latest(body)
        outcome = notes.left(body) or attempt(lambda: reconciler.reconcile(latest), name)
        exporter.errors.inc(outcome.failed)
        if outcome.patch and not notes.note(body, outcome):
            return
        exporter.pods_died.inc(outcome.died)
        exporter.show(name, {**(latest.get("status") or {}), **outcome.patch})
        for event in outcome.events:
            log.info("%s: %s: %s", name, event.reason, event.message)
            kopf.event(body, type=event.type, reason=event.reason, message=event.message)

    @kopf.on.delete(GROUP, "v1alpha1", PLURAL, registry=registry)
    def forget(body: kopf.Body, name: str, **_: Any) -> None:
        with turns.forget(body["metadata"]["uid"]) as is_free:
            if not is_free:
                raise kopf.TemporaryError("A look at it is under way.", delay=1.0)
            first = turns.end(body["metadata"]["uid"])
            forgotten = attempt(lambda: reconciler.forget(body), name)
        for event in forgotten.events if forgotten.done or first else ():
            log.info("%s: %s: %s", name, event.reason, event.message)
            kopf.event(body, type=event.type, reason=event.reason, message=event.message)
        if not forgotten.done:
            raise kopf.TemporaryError(forgotten.why, delay=EVERY_S)
        exporter.forget(name)
        notes.forget(body)

    return registry
