"""A site of a store, asked without a network."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from archsmith.stores.store import Store
from archsmith.ui.app import make_app
from archsmith.ui.readers import Readers


@dataclass
class Answered:
    """What an address answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def get(app: ASGIApp, address: str, method: str = "GET", **headers: str) -> Answered:
    """Ask an application as a browser would."""
    path, _, query = address.partition("?")
    sent: list[Message] = []
    pairs = {"host": "localhost:8080", **headers}
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "root_path": "", "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in pairs.items()], "scheme": "http",
        "server": ("localhost", 8080), "client": ("127.0.0.1", 1), "http_version": "1.1", "asgi": {"version": "3.0"},
    }  # fmt: skip

    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()  # nobody goes away
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    head = next(m for m in sent if m["type"] == "http.response.start")
    body = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    return Answered(head["status"], {k.decode(): v.decode() for k, v in head["headers"]}, body)


class Counted:
    """A store that counts what it is asked for, and can be away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[str] = []
        self.fault: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)
        if name == "uri":
            return call

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.asked.append(f"{name} {args[0]}")
            if self.fault:
                raise self.fault
            return call(*args, **kwargs)

        return counted


Site = Callable[..., Callable[..., Answered]]


@pytest.fixture
def site() -> Site:
    """Make a site of a store; its answer to an address is a call away."""

    def make(store: Store, **options: Any) -> Callable[..., Answered]:
        readers = Readers(store, interest_s=0.2)  # so that no test leaves a thread behind that reads its folder
        app = make_app(store, "runs", readers=readers, **options)
        return lambda address, method="GET", **headers: get(app, address, method, **headers)

    return make


@pytest.fixture
def counted() -> type[Counted]:
    """Make a store that counts."""
    return Counted
