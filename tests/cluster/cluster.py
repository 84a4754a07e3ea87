"""A kind cluster with the chart installed, as the tests of `tests/cluster` use it."""

import base64
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient
from kubernetes.config import new_client_from_config

from archsmith.cluster.status import FINAL
from archsmith.stores import Store, open_store
from archsmith.stores.folder import SearchFolder

Object = dict[str, Any]
"""An object of Kubernetes, as it is in JSON."""

SEARCHES = "apis/archsmith.dev/v1alpha1"
"""Where the API has searches."""

Start = Callable[[Object], str]
"""The fixture `start`: applies a search, returns its name, and removes the search after the test."""

Note = Callable[[str], None]
"""The fixture `note`: keeps a line for the end of pytest's output."""

ROOT = Path(__file__).parents[2]
"""The checkout."""

CHART = ROOT / "charts" / "archsmith"

EVERY_S = 0.5


def digits(name: str, **spec: Any) -> Object:
    """Return a search that takes half a minute: six trials of a small network, two at a time; `spec` replaces sections."""
    small = {
        "data": {"name": "digits"},
        "space": {"name": "chain", "layers": {"min": 2, "max": 3}, "operations": ["conv"], "filters": [8, 16], "units": [32]},
        "strategy": {"name": "random"},
        "estimation": {"epochs": 2},
        "training": {"learning_rate": 0.1, "batch_size": 64},
        "budget": {"trials": 6},
        "resources": {"workers": 2},
        "retrain": {"epochs": 3},
        "baseline": "none",
        "cluster": {"engine": "job"},
    }
    return {"apiVersion": "archsmith.dev/v1alpha1", "kind": "Search", "metadata": {"name": name}, "spec": {**small, **spec}}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A namespace of a kind cluster."""

    name: str
    """What kind calls it."""
    namespace: str = "archsmith"
    """Where the chart is installed."""
    mlflow_port: int = 30500
    """The node's port of MLflow, as charts/archsmith/ci/kind-values.yaml says."""
    s3_port: int = 30900
    """The node's port of MinIO."""
    ui_port: int = 30800
    """The node's port of the pages; a second release has none."""

    @property
    def context(self) -> str:
        """The context of the kubeconfig."""
        return f"kind-{self.name}"

    @property
    def node(self) -> str:
        """The container that is its node."""
        return f"{self.name}-control-plane"

    def run(self, *command: str, input: str | None = None, check: bool = True, timeout_s: float = 300) -> str:  # noqa: A002
        """Run a command of this machine and return what it prints; one that fails fails the test, with its words."""
        done = subprocess.run(command, input=input, capture_output=True, text=True, check=False, timeout=timeout_s)
        if check and done.returncode:
            pytest.fail(f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout if check else done.stdout + done.stderr

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True, timeout_s: float = 300) -> str:  # noqa: A002
        """Run kubectl in the namespace; without `check`, what it says of its failure is returned as well."""
        where = ("kubectl", "--context", self.context, "--namespace", self.namespace)
        return self.run(*where, *arguments, input=input, check=check, timeout_s=timeout_s)

    def helm(self, *arguments: str, check: bool = True, timeout_s: float = 1000) -> str:
        """Run helm in the namespace."""
        where = ("helm", "--kube-context", self.context, "--namespace", self.namespace)
        return self.run(*where, *arguments, check=check, timeout_s=timeout_s)

    def json(self, *arguments: str) -> Any:
        """Run kubectl and return what it prints as JSON."""
        return json.loads(self.kubectl(*arguments, "--output", "json"))

    def items(self, *arguments: str) -> list[Object]:
        """Return the items of `kubectl get`."""
        found: list[Object] = self.json("get", *arguments)["items"]
        return found

    def apply(self, document: Mapping[str, Any]) -> None:
        """Apply an object, as a user does."""
        self.kubectl("apply", "--filename", "-", input=yaml.safe_dump(dict(document)))

    def read(self, api: str, what: str, **query: str) -> Object:
        """Read from the API in this process: what is waited for is read often, and a kubectl each time would take a core."""
        path = f"/{api}/namespaces/{self.namespace}/{what}"
        found: Object = _client(self.context).call_api(
            path, "GET", query_params=[*query.items()], auth_settings=["BearerToken"], response_type="object",
            _return_http_data_only=True, _request_timeout=30,
        )  # fmt: skip
        return found

    def search(self, name: str) -> Object:
        """Return a search as it stands."""
        return self.read(SEARCHES, f"searches/{name}")

    def searches(self) -> list[str]:
        """Return the names of the searches."""
        return [found["metadata"]["name"] for found in self.read(SEARCHES, "searches")["items"]]

    def patch(self, name: str, **spec: Any) -> None:
        """Change sections of a search."""
        self.kubectl("patch", "search", name, "--type", "merge", "--patch", json.dumps({"spec": spec}))

    def until(self, name: str, wanted: str | Callable[[Object], bool], timeout_s: float = 600) -> Object:
        """Wait for a phase of a search, or for whatever is true of its object, and return the object then.

        A search that ends in another phase than the wanted one fails the test at once.
        """
        end = time.monotonic() + timeout_s
        while True:
            found = self.search(name)
            phase = found.get("status", {}).get("phase")
            if phase == wanted if isinstance(wanted, str) else wanted(found):
                return found
            if time.monotonic() > end or (isinstance(wanted, str) and phase in FINAL):
                pytest.fail(f"The search {name} is {phase}, and not {wanted} within {timeout_s:.0f} s:\n{self.story(name)}")
            time.sleep(EVERY_S)

    def wait(self, true: Callable[[], bool], what: str, timeout_s: float = 300) -> None:
        """Wait until something is true; it is said in the words of `what` where it is not in time."""
        end = time.monotonic() + timeout_s
        while not true():
            if time.monotonic() > end:
                pytest.fail(
                    f"Waited {timeout_s:.0f} s in vain until {what}.\n{self.kubectl('get', 'pods,searches', check=False)}"
                )
            time.sleep(EVERY_S)

    def story(self, name: str) -> str:
        """Return what one wants to read of a search that went wrong."""
        parts = [
            self.kubectl("describe", "search", name, check=False),
            self.kubectl("get", "pods", "--output", "wide", check=False),
            self.kubectl("logs", "--selector", f"archsmith.dev/search={name}", "--tail", "30", check=False),
            self.kubectl("logs", "deployment/archsmith-controller", "--tail", "20", check=False),
        ]
        return "\n".join(parts)

    def events(self, name: str, until: str | None = None) -> list[Object]:
        """Return the events of a search that is there, the oldest first; those of an earlier one of its name are left out.

        The controller tells of an event after it has written the status: one of the reason `until` is waited for.
        """
        about = f"involvedObject.uid={self.search(name)['metadata']['uid']}"

        def listed() -> list[Object]:
            return self.items("events", "--field-selector", about)

        if until:
            self.wait(lambda: any(e["reason"] == until for e in listed()), f"{name} has an event {until}", timeout_s=120)
        found = listed()
        return sorted(found, key=lambda event: str(event.get("eventTime") or event["metadata"]["creationTimestamp"]))

    def reasons(self, name: str, until: str | None = None) -> list[str]:
        """Return the reasons of a search's events; whether there is one of a pod that starts depends on how long it takes."""
        return [event["reason"] for event in self.events(name, until) if event["reason"] != "Starting"]

    def pods(self, name: str) -> list[Object]:
        """Return the pods of a search, the oldest first; those that died are among them."""
        found = self.read("api/v1", "pods", labelSelector=f"archsmith.dev/search={name}")["items"]
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def pod(self, name: str) -> str:
        """Return the name of the pod of a search that runs."""
        running = [pod for pod in self.pods(name) if pod["status"]["phase"] == "Running"]
        assert running, self.story(name)
        return str(running[-1]["metadata"]["name"])

    def secret(self, name: str) -> dict[str, str]:
        """Return what a Secret holds."""
        return {key: base64.b64decode(value).decode() for key, value in self.json("get", "secret", name)["data"].items()}

    def address(self, port: int) -> str:
        """Return where this machine reaches a port of the node."""
        return self.run("docker", "port", self.node, f"{port}/tcp").split()[0]

    @property
    def mlflow_uri(self) -> str:
        """Where this machine reaches MLflow."""
        return f"http://{self.address(self.mlflow_port)}"

    def store(self) -> Store:
        """Return the store of the searches, with the keys that the searches have; it is opened once."""
        return _store(self)

    def folder(self, name: str) -> SearchFolder:
        """Open a search's folder in the store."""
        return SearchFolder(self.store(), name)

    def remove(self, name: str) -> None:
        """Delete a search if it is there, and all that it has in the store."""
        self.delete(name)
        self.folder(name).remove()

    def delete(self, name: str, timeout_s: float = 300) -> None:
        """Delete a search if it is there, and wait until it and its pods are gone."""
        self.kubectl("delete", "search", name, "--ignore-not-found", f"--timeout={timeout_s:.0f}s", timeout_s=timeout_s + 30)
        self.wait(lambda: not self.pods(name), f"the pods of the search {name} are gone", timeout_s)


SECOND = Cluster("", "archsmith-second", 30501, 30901)
"""A namespace for a release of its own, in a cluster that is to be named."""


@cache
def _client(context: str) -> ApiClient:
    return new_client_from_config(context=context)


@cache
def _store(cluster: Cluster) -> Store:
    environ = {**cluster.secret("archsmith-store"), "ARCHSMITH_S3_ENDPOINT": f"http://{cluster.address(cluster.s3_port)}"}
    return open_store(cluster.json("get", "configmap", "archsmith-store")["data"]["ARCHSMITH_STORE"], environ)


@dataclass(frozen=True, slots=True)
class Installation:
    """What `make cluster` did."""

    cluster: Cluster
    """The cluster."""
    seconds: float
    """How long it took."""
    fresh: bool
    """Whether there was no cluster before."""
