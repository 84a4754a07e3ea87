"""Stores of each kind, trials to put into them, and a proxy before the MinIO server that makes faults."""

import http.client
import math
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from archsmith.stores import LocalStore, Store
from archsmith.testing.minio import MinioServer
from archsmith.values import Architecture, EpochRecord, Fidelity, Proposal, Trial

SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
DISCONNECTED = (
    b"<?xml version='1.0'?><Error><Code>ClientDisconnected</Code><Message>Client disconnected before response</Message></Error>"
)
XML, TEXT = {"Content-Type": "application/xml"}, {"Content-Type": "text/plain"}

ANSWERS = {
    "503": (503, XML, b""),
    "slow": (503, XML, SLOW_DOWN),
    "499": (499, XML, DISCONNECTED),
    "404": (404, TEXT, b"404 page not found"),
}


def every_method(handler, name: str) -> Callable[[], None]:
    """Serve GET, PUT and all the others alike: the server asks for an attribute `do_GET`, `do_PUT`."""
    if not name.startswith("do_"):
        raise AttributeError(name)
    return handler._serve


class FaultyProxy:
    """Passes requests on to a server; before that, it takes the next fault of a list, if one is left.

    A fault is `503` (without a body), `slow` (S3's SlowDown), `499` (MinIO's, to whom it serves while it is ended), `404` (of
    something that is no S3 server), `reset` (the connection), `lost` (the server does
    what it is asked, and its answer is lost) or `cut` (half of the answer's body comes).
    """

    def __init__(self, server: MinioServer) -> None:
        self.faults: list[str] = []
        self.requests: list[str] = []
        self._target = server.endpoint.removeprefix("http://")
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self.endpoint = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "FaultyProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True  # or each body comes 40 ms after its headers

            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                proxy.requests.append(f"{self.command} {self.path}")
                fault = proxy.faults.pop(0) if proxy.faults else ""
                if fault in ANSWERS:
                    return self._answer(*ANSWERS[fault])
                if fault == "reset":
                    return self._reset()
                status, headers, data = self._forward(body)
                if fault == "lost":
                    return self._reset()
                return self._answer(status, headers, data, len(data) // 2 if fault == "cut" else None)

            def __getattr__(self, name: str) -> Callable[[], None]:
                return every_method(self, name)

            def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
                upstream = http.client.HTTPConnection(proxy._target, timeout=30)
                try:
                    upstream.request(self.command, self.path, body, dict(self.headers))
                    response = upstream.getresponse()
                    return response.status, dict(response.getheaders()), response.read()
                finally:
                    upstream.close()

            def _answer(self, status: int, headers: dict[str, str], data: bytes, cut: int | None = None) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[:cut])
                self.close_connection = cut is not None

            def _reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True

        return Handler


@pytest.fixture
def proxy(minio_server: MinioServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(minio_server) as proxy:
        yield proxy


@pytest.fixture
def web_page() -> Iterator[str]:
    """The URL of a server that answers every request with a page."""

    class Page(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200 if self.command == "GET" else 405)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html><p>Hello</html>")

        def __getattr__(self, name: str) -> Callable[[], None]:
            return every_method(self, name)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["folder", "minio"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind."""
    if request.param == "folder":
        return LocalStore(tmp_path / "runs")
    server: MinioServer = request.getfixturevalue("minio_server")
    return server.store(server.new_bucket(), "runs")


@pytest.fixture
def make_trial() -> Callable[..., Trial]:
    """A trial of a round: the n-th of `size`, with a curve of which one loss diverged."""

    def make(round_index: int, n: int, *, size: int = 3, seed: int = 0) -> Trial:
        proposal = Proposal(
            Architecture("chain", (round_index, n, "conv", None)),
            Fidelity(2, 0.5),
            reason="random",
            number=round_index * size + n,
            round=round_index,
        )
        curve = (EpochRecord(1, 10, 2.5, 2.0, 0.3, 1.5), EpochRecord(2, 20, math.nan, math.inf, 0.1, 3.0))
        return Trial(proposal, "complete", {"accuracy": 0.1 * n, "n_params": 100}, curve[:1] if n else curve, seed=seed)

    return make
