"""The requests of Kubernetes' API, for objects as plain dicts.

It stands on the requests of the client `kubernetes` and not on its models: what the API server says is passed on as it
is, fields that the client does not know included.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from archsmith.cluster.kube_answers import answering
from archsmith.cluster.kubeconfig import Access
from archsmith.errors import ConflictError
from archsmith.machine import environment
from archsmith.spec import API_VERSION

Object = dict[str, Any]
"""An object of Kubernetes, as it is in JSON."""

TIMEOUT_S = (5, 30)
"""Longest wait for a connection, and for an answer."""

QUIET_S = 60
"""Longest silence of a log that is followed; a pod that says nothing for longer is asked anew."""

JSON = "application/json, */*"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Objects whole, and without their spec and status."""

ALL = ""
"""All namespaces at once, where a namespace is named."""

PAGE = 500
MANAGER = "archsmith"
"""How Kubernetes names whoever changed a field from here."""

_KINDS: Mapping[str, tuple[str, str]] = {
    "searches": (f"/apis/{API_VERSION}", "search"),
    "jobs": ("/apis/batch/v1", "Job"),
    "pods": ("/api/v1", "pod"),
    "configmaps": ("/api/v1", "ConfigMap"),
    "secrets": ("/api/v1", "Secret"),
    "nodes": ("/api/v1", "node"),
    "workflows": ("/apis/argoproj.io/v1alpha1", "Workflow"),
}
"""Where objects are found, and what one of them is called, by the name of all of them."""


class KubeApi:
    """The API server of a cluster, and a namespace in it. Nothing is sent twice, and no call lasts long.

    Args:
        way: How the cluster is reached.
        namespace: The namespace; that of `way` where it is left out.
    """

    def __init__(self, way: Access, namespace: str | None = None) -> None:
        from kubernetes import client

        self.namespace = namespace or way.namespace
        self.server = environment.without_password(way.configuration.host)
        self._client = client.ApiClient(way.configuration)

    def close(self) -> None:
        """Close the connections."""
        self._client.rest_client.pool_manager.clear()

    def get(self, plural: str, name: str) -> Object:
        """Return an object."""
        return self._json("GET", plural, name)

    def list(
        self, plural: str, selector: str = "", namespace: str | None = None, *, metadata: bool = False
    ) -> "list[Object]":  # fmt: skip
        """Return the objects with the labels of `selector`; they lack their kind, which a list says once for all.

        The namespace is that of this object where none is named, and may be `ALL`. With `metadata`, that is all they have:
        some objects are a megabyte.
        """
        query = {"limit": str(PAGE), **({"labelSelector": selector} if selector else {})}
        found: list[Object] = []
        while True:
            page = self._json("GET", plural, query=query, namespace=namespace, accept=METADATA if metadata else JSON)
            found += page.get("items") or ()
            if not (token := (page.get("metadata") or {}).get("continue")):
                return found
            query["continue"] = token

    def create(self, plural: str, body: Mapping[str, Any]) -> Object:
        """Make an object; raises `ConflictError` where there is one of its name."""
        return self._json("POST", plural, body=body)

    def apply(self, plural: str, wanted: Mapping[str, Any]) -> Object:
        """Make an object, or give the one of its name the spec, and its labels and annotations beside those it has."""
        name = wanted["metadata"]["name"]
        try:
            return self.create(plural, wanted)
        except ConflictError:
            now = self.get(plural, name)
        if "deletionTimestamp" in now["metadata"]:
            what = self._what(plural, name, self.namespace)
            raise ConflictError(f"Kubernetes is still deleting {what}; wait until it is gone, and do it again.")
        for field in ("labels", "annotations"):
            if named := wanted["metadata"].get(field):
                now["metadata"][field] = {**now["metadata"].get(field, {}), **named}
        now["metadata"].pop("managedFields", None)
        return self._json("PUT", plural, name, body={**now, "spec": wanted["spec"]})

    def patch(self, plural: str, name: str, changes: Mapping[str, Any], *, status: bool = False) -> Object:
        """Change an object by a merge patch, or its status; return it as it is then."""
        part = "/status" if status else ""
        return self._json("PATCH", plural, name, part, body=changes, kind="application/merge-patch+json")

    def delete(self, plural: str, name: str, propagation: str | None = None) -> None:
        """Delete an object; `propagation` says what becomes of those that it owns."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        self._json("DELETE", plural, name, body=options if propagation else None)

    def lines(self, pod: str, query: Mapping[str, str], *, namespace: str | None = None) -> Iterator[str]:
        """Yield the lines of a pod's log as they come; a silent one that is followed raises `UnavailableError`."""
        wait_s = QUIET_S if "follow" in query else TIMEOUT_S[1]
        with answering(self.server, self._what("pods", pod, namespace or self.namespace)):
            path = self._path("pods", pod, "/log", namespace)
            response = self._send("GET", path, None, query, timeout=(TIMEOUT_S[0], wait_s))
            try:
                yield from _lines(response)
            finally:
                response.close()

    def _json(
        self, method: str, plural: str, name: str = "", part: str = "", *, body: Mapping[str, Any] | None = None,
        kind: str = "application/json", query: Mapping[str, str] | None = None, namespace: str | None = None, accept: str = JSON,
    ) -> Object:  # fmt: skip
        manager = {"fieldManager": MANAGER} if method in ("POST", "PUT", "PATCH") else {}
        about = name or (body or {}).get("metadata", {}).get("name", "")
        with answering(self.server, self._what(plural, about, self.namespace if namespace is None else namespace)):
            path = self._path(plural, name, part, namespace)
            response = self._send(method, path, body, {**(query or {}), **manager}, kind=kind, accept=accept)
            found = json.loads(response.data)
            if not isinstance(found, dict):
                raise ValueError("no object")
            return found

    def _send(
        self, method: str, path: str, body: Any, query: Mapping[str, str], *,
        kind: str = "application/json", timeout: tuple[int, int] = TIMEOUT_S, accept: str = JSON,
    ) -> Any:  # fmt: skip
        """Send a request and return the answer of urllib3, its content unread."""
        headers = {"Accept": accept, "Content-Type": kind}
        return self._client.call_api(
            path, method, {}, [*query.items()], headers, body=body, auth_settings=["BearerToken"],
            _return_http_data_only=True, _preload_content=False, _request_timeout=timeout,
        )  # fmt: skip

    def _path(self, plural: str, name: str, part: str, namespace: str | None) -> str:
        named = self.namespace if namespace is None else namespace
        space = "" if plural == "nodes" or named == ALL else f"/namespaces/{quote(named, safe='')}"
        return f"{_KINDS[plural][0]}{space}/{plural}{'/' if name else ''}{quote(name, safe='')}{part}"

    def _what(self, plural: str, name: str, namespace: str) -> str:
        """Say what a request is about, as in "the search 'x' in the namespace 'y'"."""
        what = f"{_KINDS[plural][1]} {name!r}" if name else plural
        if plural == "nodes" or namespace == ALL:
            return f"the {what}"
        return f"the {what} in the namespace {namespace!r}"


def _lines(response: Any) -> Iterator[str]:
    """Yield the lines of an answer as they come."""
    rest = b""
    for chunk in response.stream(2**16, decode_content=True):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")
