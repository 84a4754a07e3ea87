"""A stand-in for KFP's API server: it speaks the part of v2beta1 that a search needs, keeps runs, and runs nothing.

Every body that it gets must be one of the messages of `kfp_server_api`, KFP's own client, with no field that they don't
know and no value of another type; a pipeline in it must be a `PipelineSpec` and a `PlatformSpec`.

A run has a Workflow, which may go without KFP noticing, as in a cluster: the run then stays as it was, terminating it is
answered with 500 and leaves it CANCELING, and deleting a recurring run takes the Workflows of its runs along. Where a
stand-in for Kubernetes is given too, Workflows are objects there.
"""

import contextlib
import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from archsmith.testing.http_server import JsonHandler, serving
from archsmith.testing.kfp_lists import matching
from archsmith.testing.kfp_messages import check_message
from archsmith.testing.kfp_workflows import why_it_fails
from archsmith.testing.kube_server import KubeServer

Record = dict[str, Any]

RUN_LABEL = "pipeline/runid"
"""The label of a run's Workflow and of its pods."""

_LISTS: Mapping[str, tuple[str, str, str]] = {
    "runs": ("runs", "run_id", "V2beta1Run"),
    "recurringruns": ("recurringRuns", "recurring_run_id", "V2beta1RecurringRun"),
    "experiments": ("experiments", "experiment_id", "V2beta1Experiment"),
}
"""What is kept, by its place in the API: the field of a list as KFP spells it, the field of an id, and the message."""

_GOES_ON = ("PENDING", "RUNNING", "PAUSED", "RUNTIME_STATE_UNSPECIFIED")
"""States in which a run can be terminated."""

_MODES = {"disable": ("DISABLE", "DISABLED"), "enable": ("ENABLE", "ENABLED")}


class RefusalError(Exception):
    """An answer that is no success: its status, and what it says."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


@dataclass(slots=True)
class KfpServer:
    """A server that runs, and what a test may see and set of it."""

    token: str | None = None
    """The bearer token that it asks for."""
    prefix: str = ""
    """The path below which it answers, as behind a proxy."""
    kube: KubeServer | None = None
    """Where the Workflows are objects."""
    namespace: str = "kubeflow"
    """The namespace of Workflows and pods."""
    plugin: dict[str, str] = field(default_factory=dict)
    """Variables that a plugin gives each task."""
    pages: bool = True
    """Whether people see pages at its URL, as at the gateway of a whole install; the API server alone has none."""
    ends: bool = False
    """Whether a run that was told to end has ended when it is looked at next; else it ends when the test says so."""
    url: str = ""
    """Where it answers."""
    kept: dict[str, dict[str, Record]] = field(default_factory=lambda: {kind: {} for kind in _LISTS})
    """What was made, by kind and id, in order."""
    lost: set[str] = field(default_factory=set)
    """Ids of runs whose Workflow is gone."""
    requests: list[str] = field(default_factory=list)
    """Method and path of each request."""
    sent_bytes: int = 0
    """Bytes of all answers."""
    faults: list[Callable[[], None]] = field(default_factory=list)
    """What happens to the next requests in place of an answer, one each."""
    lost_answers: int = 0
    """So many requests that make something are carried out, and their connections broken off before the answer."""
    _ticks: Iterator[int] = field(default_factory=itertools.count)

    @property
    def runs(self) -> list[Record]:
        """The runs, oldest first."""
        return list(self.kept["runs"].values())

    @property
    def schedules(self) -> list[Record]:
        """The recurring runs, oldest first."""
        return list(self.kept["recurringruns"].values())

    def set_state(self, run: Record, state: str, error: str = "") -> None:
        """Bring a run into a state, as KFP names it."""
        run["state"] = state
        run["state_history"] = [*run.get("state_history", []), {"state": state}]
        if error:
            run["error"] = {"code": 2, "message": error}

    def lose_workflow(self, run: Record) -> None:
        """Have the Workflow of a run deleted, and with it its pods; KFP does not notice."""
        self.lost.add(run["run_id"])
        if self.kube is not None:
            self.kube.collect(RUN_LABEL, run["run_id"])

    def fire(self, schedule: Record, state: str = "RUNNING") -> Record:
        """Begin a run of a recurring run, which KFP calls by a name of its own."""
        passed_on = ("description", "pipeline_spec", "runtime_config", "experiment_id", "service_account")
        number = sum(run.get("recurring_run_id") == schedule["recurring_run_id"] for run in self.runs) + 1
        return self._begin(
            {
                **{key: schedule[key] for key in passed_on if key in schedule},
                "display_name": f"Run of {schedule['display_name']} ({number})",
                "recurring_run_id": schedule["recurring_run_id"],
            },
            state,
        )

    def drop(self, times: int = 1) -> None:
        """Break off the connections of the next requests."""
        self.faults += [_break] * times

    def refuse(self, status: int, times: int = 1) -> None:
        """Answer the next requests with this status."""

        def fault() -> None:
            raise RefusalError(status, "as the test wants it")

        self.faults += [fault] * times

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Record:
        """Return the answer to a request.

        Raises:
            RefusalError: It is refused.
            ConnectionError: The connection is to be broken off.
        """
        parts = urlsplit(target)
        self.requests.append(f"{method} {parts.path}")
        if self.faults:
            self.faults.pop(0)()
        if self.token is not None and headers.get("authorization") != f"Bearer {self.token}":
            raise RefusalError(401, "Unauthenticated: Request header error: there is no user identity header")
        found = re.fullmatch(rf"{re.escape(self.prefix)}/apis/v2beta1/(\w+)(?:/([\w-]+))?(?::(\w+))?", parts.path)
        if found is None or found[1] not in _LISTS:
            raise RefusalError(404, f"Not Found: {parts.path}")
        kind, id_, verb = found[1], found[2], found[3]
        if id_ is None:
            return self._make(kind, body) if method == "POST" else self._list(kind, dict(parse_qsl(parts.query)))
        return self._one(method, kind, id_, verb)

    def shows(self, method: str, target: str) -> bool:
        """Tell whether a request is a person's, who looks at the pages."""
        return self.pages and method == "GET" and urlsplit(target).path.rstrip("/") == self.prefix

    def _make(self, kind: str, body: bytes) -> Record:
        _, id_field, message = _LISTS[kind]
        record = check_message(json.loads(body), message, RefusalError)
        if kind == "runs":
            self._begin(record, "PENDING")
        else:
            record |= {id_field: str(uuid.uuid4()), "created_at": self._now()}
            self.kept[kind][record[id_field]] = record
        if self.lost_answers:
            self.lost_answers -= 1
            _break()
        return record

    def _begin(self, run: Record, state: str) -> Record:
        """Keep a new run, and make its Workflow."""
        run |= {"run_id": str(uuid.uuid4()), "created_at": self._now(), "state": state, "state_history": [{"state": state}]}
        self.kept["runs"][run["run_id"]] = run
        reason = why_it_fails(run, self.plugin)
        if self.kube is not None:
            status = {"phase": "Failed", "message": reason} if reason else {"phase": "Running"}
            labels = {RUN_LABEL: run["run_id"], "workflows.argoproj.io/phase": status["phase"]}
            self.kube.put("workflows", self.namespace, f"wf-{run['run_id']}", metadata={"labels": labels}, status=status)
        if reason:
            self.set_state(run, "FAILED")  # and says nothing of why
        return run

    def _list(self, kind: str, query: Mapping[str, str]) -> Record:
        records = matching(self.kept[kind].values(), kind, query, RefusalError)
        start, size = int(query.get("page_token") or 0), int(query["page_size"])
        more = {"next_page_token": str(start + size)} if start + size < len(records) else {}
        return {_LISTS[kind][0]: records[start : start + size], "total_size": len(records), **more}

    def _one(self, method: str, kind: str, id_: str, verb: str | None) -> Record:
        record = self.kept[kind].get(id_)
        if record is None:
            raise RefusalError(404, f"ResourceNotFoundError: {kind} {id_} not found")
        if method == "DELETE":
            return self._remove(kind, id_)
        if (method, kind, verb) == ("POST", "runs", "terminate"):
            return self._terminate(record)
        if (method, kind) == ("POST", "recurringruns") and verb in _MODES:
            record["mode"], record["status"] = _MODES[verb]
            return {}
        if method != "GET" or verb is not None:
            raise RefusalError(404, f"Not Found: {method} {kind}:{verb}")
        if self.ends and record.get("state") == "CANCELING" and id_ not in self.lost:
            self.set_state(record, "CANCELED")
        return record

    def _remove(self, kind: str, id_: str) -> Record:
        """Remove what was made; Kubernetes then collects the Workflows that a schedule owns, while the runs stay as they are."""
        del self.kept[kind][id_]
        for run in self.runs:
            if kind == "recurringruns" and run.get("recurring_run_id") == id_:
                self.lose_workflow(run)
        return {}

    def _terminate(self, run: Record) -> Record:
        """Note that a run is to end, and then have its Workflow end; the history of its states does not tell."""
        id_ = run["run_id"]
        if run["state"] not in _GOES_ON:
            raise RefusalError(400, f"InvalidInputError: Failed to terminate a run {id_}. Row not found")
        run["state"] = "CANCELING"
        if id_ in self.lost:
            raise RefusalError(
                500,
                f"Failed to terminate a run: InternalServerError: Failed to terminate run {id_} due to error terminating its "
                f"workflow: Failed to terminate workflow wf-{id_} due to patching error after multiple retries: Failed to "
                f'terminate workflow wf-{id_} due to patching error: workflows.argoproj.io "wf-{id_}" not found',
            )
        return {}

    def _now(self) -> str:
        """Return a time that is later than any before, to the second as KFP keeps it."""
        return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(self._ticks))).isoformat().replace("+00:00", "Z")


@contextlib.contextmanager
def kfp_server(token: str | None = None, prefix: str = "", kube: KubeServer | None = None) -> Iterator[KfpServer]:
    """Run a stand-in on a free port of this machine until the block ends.

    Args:
        token: The bearer token that it asks for; none where left out.
        prefix: The path below which it answers.
        kube: A stand-in for Kubernetes, which is to have the Workflows.
    """
    state = KfpServer(token, prefix, kube)
    if kube is not None:
        kube.argo = True

    class Handler(JsonHandler):
        def _reply(self) -> None:
            if state.shows(self.command, self.path):
                self.send_page("<!doctype html><title>Kubeflow Pipelines</title>")
                return
            try:
                status, answer = 200, state.handle(self.command, self.path, *self.read_request())
            except RefusalError as refusal:
                status, answer = refusal.status, {"code": 2, "message": refusal.message, "details": []}
            except ConnectionError:
                return  # without an answer, the connection is closed
            state.sent_bytes += len(json.dumps(answer))  # before it is sent, as whoever gets it may look at once
            self.send_json(status, answer)

        do_GET = do_POST = do_DELETE = _reply  # noqa: N815  names of http.server

    with serving(Handler) as state.url:
        yield state


def _break() -> None:
    raise ConnectionError
