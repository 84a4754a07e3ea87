"""A stand-in for Kubernetes' API server: it keeps objects, and nothing acts on them but the test.

It answers the paths that searches need, with the statuses and the words of the real one: names that are taken, versions
that are old, labels, pages, merge patches, the status as a part of its own, finalizers, logs that are followed.
"""

import base64
import contextlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from archsmith.testing.http_server import JsonHandler, serving

Object = dict[str, Any]

KINDS: Mapping[str, tuple[str, str]] = {
    "searches": ("archsmith.dev/v1alpha1", "Search"),
    "jobs": ("batch/v1", "Job"),
    "pods": ("v1", "Pod"),
    "configmaps": ("v1", "ConfigMap"),
    "secrets": ("v1", "Secret"),
    "nodes": ("v1", "Node"),
    "workflows": ("argoproj.io/v1alpha1", "Workflow"),
}
"""What is kept: the version and the kind of its objects."""

_PATH = re.compile(r"/(?:api|apis/(?P<group>[\w.]+))/(?P<version>\w+)(?:/namespaces/(?P<namespace>[\w-]+))?/(?P<plural>\w+)"
                   r"(?:/(?P<name>[\w.-]+))?(?:/(?P<part>\w+))?")  # fmt: skip
_STATUS = ("searches", "jobs")
"""What has its status as a part of its own: other writes leave it alone."""

_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 422: "Invalid"}


class RefusalError(Exception):
    """An answer that is no success: its status, and what it says."""

    def __init__(self, status: int, message: str, name: str = "") -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.body = {
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status,
            "reason": _REASONS.get(status, ""), "details": {"name": name} if name else {},
        }  # fmt: skip


@dataclass(slots=True)
class PodLog:
    """What a pod says."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    """Each line and its time."""
    ended: bool = False
    """Whether it says no more."""

    def say(self, at: str, text: str) -> None:
        """Say a line."""
        self.lines.append((at, text))


@dataclass(slots=True)
class KubeServer:
    """A server that runs, and what a test may see and set of it."""

    token: str
    """The bearer token that it asks for."""
    url: str = ""
    """Where it answers."""
    kept: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    """The objects, by plural, namespace and name, in order."""
    logs: dict[str, PodLog] = field(default_factory=dict)
    """What pods say, by their name."""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and query of each request."""
    bodies: list[Any] = field(default_factory=list)
    """The body of each request that has one."""
    faults: list[Callable[[], None]] = field(default_factory=list)
    """What happens to the next requests in place of an answer, one each."""
    forbidden: set[str] = field(default_factory=set)
    """Plurals that this user may not touch, such as `pods`, or `pods/kubeflow` for those of a namespace, and `pods/` for those
    of all namespaces at once."""
    argo: bool = False
    """Whether there are Workflows in this cluster."""
    page: int = 500
    """Objects of a page, at most."""
    version: int = 0
    """Counts the writes."""

    def put(self, plural: str, namespace: str, name: str, **fields: Any) -> Object:
        """Keep an object, as if it had been made earlier; give it metadata where `fields` has none."""
        version, kind = KINDS[plural]
        found = {"apiVersion": version, "kind": kind, **fields}
        found["metadata"] = {"name": name, **fields.get("metadata", {})}
        return self._enter(plural, namespace, found)

    def get(self, plural: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None where there is none."""
        return self.kept.get((plural, namespace, name))

    def collect(self, label: str, value: str) -> None:
        """Remove all objects with a label, as Kubernetes does with what an object that is gone has owned."""
        for key in [key for key, found in self.kept.items() if found["metadata"].get("labels", {}).get(label) == value]:
            del self.kept[key]

    def set_status(self, namespace: str, name: str, **status: Any) -> None:
        """Write the status of a search, as the controller does."""
        found = self.kept["searches", namespace, name]
        found["status"] = {**found.get("status", {}), "observedGeneration": found["metadata"]["generation"], **status}

    def put_secret(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        """Keep a Secret."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.put("secrets", namespace, name, data=data)

    def refuse(self, status: int, message: str = "as the test wants it", times: int = 1) -> None:
        """Answer the next requests with this status."""

        def fault() -> None:
            raise RefusalError(status, message)

        self.faults += [fault] * times

    def write_kubeconfig(
        self, path: Path, namespace: str = "default", cluster: Mapping[str, Any] = {}, user: Mapping[str, Any] | None = None
    ) -> Path:
        """Write a kubeconfig that leads here, with a second context `other` that leads to nothing.

        Args:
            path: Where to.
            namespace: That of the contexts.
            cluster: What else it says of the cluster.
            user: What it says of the user, in place of the token.
        """
        path.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": self.url, **cluster}},
                         {"name": "other", "cluster": {"server": "http://127.0.0.1:9"}}],
            "users": [{"name": "me", "user": dict(user or {"token": self.token})}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "me", "namespace": namespace}}
                         for name in ("here", "other")],
        }))  # fmt: skip
        return path

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Object | Iterator[bytes]:
        """Return the answer to a request: an object, or the parts of a log as they come.

        Raises:
            RefusalError: It is refused.
        """
        parts = urlsplit(target)
        sent: Any = json.loads(body) if body else None
        self.requests.append((method, parts.path, parts.query))
        self.bodies += [sent] if sent is not None else []
        if self.faults:
            self.faults.pop(0)()
        if headers.get("authorization") != f"Bearer {self.token}":
            raise RefusalError(401, "Unauthorized")
        found = _PATH.fullmatch(parts.path)
        if found is None or found["plural"] not in KINDS or (found["plural"] == "workflows" and not self.argo):
            raise RefusalError(404, "the server could not find the requested resource")
        plural, namespace, name, part = (found[key] or "" for key in ("plural", "namespace", "name", "part"))
        if {plural, f"{plural}/{namespace}"} & self.forbidden:
            raise RefusalError(403, f'{plural} "{name}" is forbidden: User "me" cannot touch it', name)
        query = dict(parse_qsl(parts.query))
        if not name:
            return self._make(plural, namespace, sent) if method == "POST" else self._list(plural, namespace, query, headers)
        if part == "log":
            return self._log(namespace, name, query)
        return self._one(method, (plural, namespace, name), part, sent, headers)

    def _make(self, plural: str, namespace: str, sent: Object) -> Object:
        name = sent["metadata"]["name"]
        if (plural, namespace, name) in self.kept:
            raise RefusalError(409, f'{plural} "{name}" already exists', name)
        sent.pop("status", None)
        return self._enter(plural, namespace, sent)

    def _enter(self, plural: str, namespace: str, new: Object) -> Object:
        """Keep a new object with the metadata that the server gives it."""
        self.version += 1
        made = {"uid": str(uuid.uuid4()), "generation": 1, "resourceVersion": str(self.version), "namespace": namespace}
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        new["metadata"] = {"creationTimestamp": at, **made, **new["metadata"]}
        self.kept[plural, namespace, new["metadata"]["name"]] = new
        return new

    def _list(self, plural: str, namespace: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Object:
        found = [
            value
            for (kind, space, _), value in self.kept.items()
            if kind == plural
            and namespace in ("", space)
            and _selects(query.get("labelSelector", ""), value["metadata"].get("labels", {}))
        ]
        start, size = int(query.get("continue") or 0), min(int(query["limit"]), self.page)
        more = {"continue": str(start + size)} if start + size < len(found) else {}
        version, kind = KINDS[plural]
        items = found[start : start + size]
        if "as=PartialObjectMetadataList" in headers.get("accept", ""):
            version, kind, items = "meta.k8s.io/v1", "PartialObjectMetadata", [{"metadata": item["metadata"]} for item in items]
        return {"apiVersion": version, "kind": f"{kind}List", "metadata": more, "items": items}

    def _one(
        self, method: str, key: tuple[str, str, str], part: str, sent: Any, headers: Mapping[str, str]
    ) -> Object:  # fmt: skip
        plural, _, name = key
        if (now := self.kept.get(key)) is None:
            raise RefusalError(404, f'{plural} "{name}" not found', name)
        if method == "DELETE":
            return self._remove(key, now)
        if method == "GET":
            return now
        if method == "PATCH":
            if headers.get("content-type") != "application/merge-patch+json":
                raise RefusalError(415, "the body of the request was in an unknown format")
            sent = _merged(now, sent)
        elif sent["metadata"].get("resourceVersion") != now["metadata"]["resourceVersion"]:
            raise RefusalError(409, f'Operation cannot be fulfilled on {plural} "{name}": the object has been modified', name)
        return self._change(now, sent, part, own_status=plural in _STATUS)

    def _change(self, now: Object, sent: Object, part: str, *, own_status: bool) -> Object:
        """Take over what a write may change."""
        self.version += 1
        before = now.get("spec")
        if part == "status":
            now["status"] = sent["status"]
        else:
            kept = {"status": now["status"]} if own_status and "status" in now else {}
            meta = {**sent["metadata"], **{k: now["metadata"][k] for k in ("uid", "creationTimestamp", "generation")}}
            now.clear()
            now.update({**sent, "metadata": meta, **kept})
        now["metadata"]["resourceVersion"] = str(self.version)
        now["metadata"]["generation"] += now.get("spec") != before
        return now

    def _remove(self, key: tuple[str, str, str], now: Object) -> Object:
        if now["metadata"].get("finalizers"):
            now["metadata"]["deletionTimestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        else:
            del self.kept[key]
        return now

    def _log(self, namespace: str, name: str, query: Mapping[str, str]) -> Iterator[bytes]:
        if ("pods", namespace, name) not in self.kept:
            raise RefusalError(404, f'pods "{name}" not found', name)
        if (log := self.logs.get(name)) is None:
            raise RefusalError(
                400, f'container "{query.get("container")}" in pod "{name}" is waiting to start: ContainerCreating'
            )
        return _said(log, query)


@contextlib.contextmanager
def kube_server(token: str = "right") -> Iterator[KubeServer]:  # noqa: S107  it guards nothing
    """Run a stand-in on a free port of this machine until the block ends.

    Args:
        token: The bearer token that it asks for.
    """
    state = KubeServer(token)

    class Handler(JsonHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            try:
                answer = state.handle(self.command, self.path, *self.read_request())
            except RefusalError as refusal:
                self.send_json(refusal.status, refusal.body)
            else:
                self.send_json(200, answer) if isinstance(answer, dict) else self._stream(answer)

        def _stream(self, parts: Iterator[bytes]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # whoever follows a log may go
                for part in _ending(parts):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                    self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _reply  # noqa: N815  names of http.server

    with serving(Handler) as state.url:
        yield state


def _ending(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the parts, and the empty one that ends a chunked answer."""
    yield from parts
    yield b""


def _said(log: PodLog, query: Mapping[str, str]) -> Iterator[bytes]:
    """Yield what a pod says, from a time on, until it ends if it is followed."""
    seen = 0
    while True:
        ended = log.ended
        for at, text in log.lines[seen:]:
            seen += 1
            if at[:19] >= query.get("sinceTime", "")[:19]:  # whole seconds, as the real one takes them
                yield f"{at} {text}\n".encode() if query.get("timestamps") == "true" else f"{text}\n".encode()
        if ended or query.get("follow") != "true":
            return
        time.sleep(0.005)


def _selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Tell whether labels are those of a selector: `key=value`, or `key` for any value, separated by commas."""
    for part in filter(None, selector.split(",")):
        key, equals, value = part.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def _merged(now: Any, change: Any) -> Any:
    """Return `now` with a merge patch applied (RFC 7386)."""
    if not isinstance(change, dict):
        return change
    merged = dict(now) if isinstance(now, dict) else {}
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
