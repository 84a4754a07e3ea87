"""Searches as objects of Kubernetes, orders to run them, and a namespace whose controller looks when a test says so."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from archsmith.cluster.connection import direct
from archsmith.cluster.controller.config import ControllerConfig
from archsmith.cluster.controller.job_engine import JOB_LABEL, JobEngine
from archsmith.cluster.controller.kfp_engine import KfpEngine
from archsmith.cluster.controller.order import digest, search_of
from archsmith.cluster.controller.reconcile import Forgotten, Outcome, Reconciler
from archsmith.cluster.controller.work import Order
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.kube import Kube, connect
from archsmith.cluster.status import AGAIN
from archsmith.search import parse
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.kfp_server import KfpServer, kfp_server
from archsmith.testing.kube_server import KubeServer, kube_server
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY
from archsmith.values import Trial

Body = dict[str, Any]
MakeBody = Callable[..., Body]
MakeOrder = Callable[..., Order]


NOBODY = "http://127.0.0.1:9"
"""Where nothing answers."""


class Cluster:
    """A namespace with a controller, which a test makes look."""

    def __init__(self, server: KubeServer, kube: Kube, store: str, kfp: str) -> None:
        self.server = server
        self.kube = kube
        self.store = store
        self.kfp = kfp
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.config = ControllerConfig()
        self.restart()

    def restart(self, *engines: str, **settings: Any) -> None:
        """Begin a new controller, which remembers nothing."""
        self.config = self.config.model_copy(update=settings)
        made = {
            "job": JobEngine(self.kube, self.config.pod),
            "kfp": KfpEngine(KfpApi(direct(self.kfp)), self.kube, self.config.kfp, self.store, lambda: self.now.timestamp()),
        }
        chosen = {name: made[name] for name in engines or made}
        self.reconciler = Reconciler(self.kube, self.config, chosen, lambda: self.now)

    def apply(self, **spec: Any) -> None:
        """Apply the tiny search with keys of its spec replaced."""
        document = yaml.safe_load(TINY)
        self.kube.apply_search({**document, "spec": {**document["spec"], **spec}})

    def ask_again(self, text: str) -> None:
        """Ask for another attempt."""
        self.kube.patch_search("tiny", {"metadata": {"annotations": {AGAIN: text}}})

    def look(self, times: int = 1, seconds: float = 5.0) -> list[Outcome]:
        """Look at the search, and write what comes of it."""
        outcomes = []
        for _ in range(times):
            self.now += timedelta(seconds=seconds)
            outcomes.append(self.reconciler.reconcile(self.kube.search("tiny")))
            if outcomes[-1].patch:
                self.kube.patch_search("tiny", {"status": outcomes[-1].patch}, status=True)
        return outcomes

    def deleted(self, minutes: int = 0) -> Forgotten:
        """Have the search deleted so many minutes ago, and forget it."""
        body = self.kube.search("tiny")
        body["metadata"]["deletionTimestamp"] = f"{self.now - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
        return self.reconciler.forget(body)

    def told(self, times: int = 1) -> list[str]:
        """Look, and return the reasons of the events."""
        return [event.reason for outcome in self.look(times) for event in outcome.events]

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.kube.search("tiny").get("status", {})
        return found

    @property
    def conditions(self) -> dict[str, str]:
        return {c["type"]: c["status"] for c in self.status["conditions"]}

    def job(self) -> dict[str, Any]:
        (found,) = self.kube.jobs()
        return found

    def pod(self, phase: str, name: str = "tiny-1", **status: Any) -> None:
        """Have the Job's pod in a phase, as its controller would."""
        job = self.job()
        labels = {**job["spec"]["template"]["metadata"]["labels"], JOB_LABEL: job["metadata"]["uid"]}
        self.server.put("pods", "team", name, metadata={"labels": labels}, status={"phase": phase, **status})

    def drop_pods(self) -> None:
        for key in [key for key in self.server.kept if key[0] == "pods"]:
            del self.server.kept[key]

    def job_ends(self, condition: str) -> None:
        found = self.server.kept["jobs", "team", self.job()["metadata"]["name"]]
        found["status"] = {"conditions": [{"type": condition, "status": "True"}]}

    def folder(self) -> SearchFolder:
        return SearchFolder(open_store(self.store), "tiny")

    def runs_a_round(self) -> None:
        """Do what a pod does first: put the search into the store, and measure two candidates."""
        self.folder().write_search(TINY)
        self.folder().write_json("space.json", {"id": "x"})
        asked = parse(TINY).strategy().ask(self.folder().history(), 2, np.random.default_rng(0))
        for k, proposal in enumerate(self.folder().write_proposals(0, [replace(p, number=k) for k, p in enumerate(asked)])):
            self.folder().record(Trial(proposal, "complete", {"accuracy": 0.5 + k / 4, "n_params": 100.0}, seconds=1.0))


@pytest.fixture
def body() -> MakeBody:
    """Make the object of the tiny search as an API server has it, with keys of its spec replaced."""

    def make(name: str = "tiny", status: Body | None = None, **spec: Any) -> Body:
        document = copy.deepcopy(yaml.safe_load(TINY))
        metadata = {"name": name, "namespace": "team", "uid": f"uid-of-{name}", "generation": 1}
        found = {**document, "metadata": metadata, "spec": {**document["spec"], **spec}}
        return {**found, "status": status} if status is not None else found

    return make


@pytest.fixture
def order(body: MakeBody) -> MakeOrder:
    """Make an order for the tiny search, with keys of its spec replaced."""

    def make(name: str = "tiny", **spec: Any) -> Order:
        made = body(name, **spec)
        search = search_of(made)
        return Order(search, made, digest(made), search.spec.resources.gpu)

    return make


@pytest.fixture
def kfp() -> Iterator[KfpServer]:
    with kfp_server() as running:
        yield running


@pytest.fixture
def cluster(minio_server: MinioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    store = f"s3://{minio_server.new_bucket()}/team"
    for name, value in {**minio_server.environ, "ARCHSMITH_STORE": store}.items():
        monkeypatch.setenv(name, value)
    with kube_server() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path / "config", "team")))
        with connect() as kube:
            yield Cluster(server, kube, store, NOBODY)
