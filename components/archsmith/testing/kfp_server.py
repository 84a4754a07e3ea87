"""A stand-in for KFP's API server: it speaks the part of v2beta1 that a search needs, keeps runs, and runs nothing.

Every body that it gets must be one of the messages of `kfp_server_api`, KFP's own client, with no field that they don't
know and no value of another type; a pipeline in it must be a `PipelineSpec` and a `PlatformSpec`.
"""

import contextlib
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from archsmith.testing.http_server import JsonHandler, serving
from archsmith.testing.kfp_messages import check_message

Record = dict[str, Any]

_LISTS: Mapping[str, tuple[str, str, str]] = {
    "runs": ("runs", "run_id", "V2beta1Run"),
    "recurringruns": ("recurringRuns", "recurring_run_id", "V2beta1RecurringRun"),
    "experiments": ("experiments", "experiment_id", "V2beta1Experiment"),
}
"""What is kept, by its place in the API: the field of a list as KFP spells it, the field of an id, and the message."""


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
    url: str = ""
    """Where it answers."""
    kept: dict[str, dict[str, Record]] = field(default_factory=lambda: {kind: {} for kind in _LISTS})
    """What was made, by kind and id, in order."""
    requests: list[str] = field(default_factory=list)
    """Method and path of each request."""
    faults: list[Callable[[], None]] = field(default_factory=list)
    """What happens to the next requests in place of an answer, one each."""
    lost_answers: int = 0
    """So many requests that make something are carried out, and their connections broken off before the answer."""

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

    def _make(self, kind: str, body: bytes) -> Record:
        _, id_field, message = _LISTS[kind]
        record = check_message(json.loads(body), message, RefusalError)
        record[id_field] = str(uuid.uuid4())
        if kind == "runs":
            record |= {"state": "PENDING", "state_history": [{"state": "PENDING"}]}
        self.kept[kind][record[id_field]] = record
        if self.lost_answers:
            self.lost_answers -= 1
            _break()
        return record

    def _list(self, kind: str, query: Mapping[str, str]) -> Record:
        records = list(self.kept[kind].values())
        for predicate in json.loads(query.get("filter", "{}")).get("predicates", []):
            if predicate["operation"] != "EQUALS":
                raise RefusalError(400, f"InvalidInputError: operation {predicate['operation']!r}")
            records = [record for record in records if record.get(predicate["key"]) == predicate["stringValue"]]
        start, size = int(query.get("page_token") or 0), int(query["page_size"])
        more = {"next_page_token": str(start + size)} if start + size < len(records) else {}
        return {_LISTS[kind][0]: records[start : start + size], "total_size": len(records), **more}

    def _one(self, method: str, kind: str, id_: str, verb: str | None) -> Record:
        record = self.kept[kind].get(id_)
        if record is None:
            raise RefusalError(404, f"ResourceNotFoundError: {kind} {id_} not found")
        if method == "DELETE":
            del self.kept[kind][id_]
            return {}
        if (method, kind, verb) == ("POST", "runs", "terminate"):
            self.set_state(record, "CANCELING")
            return {}
        if method != "GET" or verb is not None:
            raise RefusalError(404, f"Not Found: {method} {kind}:{verb}")
        return record


@contextlib.contextmanager
def kfp_server(token: str | None = None, prefix: str = "") -> Iterator[KfpServer]:
    """Run a stand-in on a free port of this machine until the block ends.

    Args:
        token: The bearer token that it asks for; none where left out.
        prefix: The path below which it answers.
    """
    state = KfpServer(token, prefix)

    class Handler(JsonHandler):
        def _reply(self) -> None:
            try:
                status, answer = 200, state.handle(self.command, self.path, *self.read_request())
            except RefusalError as refusal:
                status, answer = refusal.status, {"code": 2, "message": refusal.message, "details": []}
            except ConnectionError:
                return  # without an answer, the connection is closed
            self.send_json(status, answer)

        do_GET = do_POST = do_DELETE = _reply  # noqa: N815  names of http.server

    with serving(Handler) as state.url:
        yield state


def _break() -> None:
    raise ConnectionError
