"""What stand-ins for an API server have in common: they answer in JSON, on a free port of this machine."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class JsonHandler(BaseHTTPRequestHandler):
    """Reads requests and answers in JSON, and keeps no log."""

    disable_nagle_algorithm = True  # or a client waits 40 ms for each body, which is written after its headers

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def read_request(self) -> tuple[dict[str, str], bytes]:
        """Return the headers of the request, their names in small letters, and its body."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        return {name.lower(): value for name, value in self.headers.items()}, body

    def send_json(self, status: int, answer: Mapping[str, Any]) -> None:
        """Answer the request."""
        self._send(status, "application/json", json.dumps(answer))

    def send_page(self, text: str) -> None:
        """Answer the request with a page for people."""
        self._send(200, "text/html", text)

    def _send(self, status: int, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free port until the block ends, each request in a thread of its own; give the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
