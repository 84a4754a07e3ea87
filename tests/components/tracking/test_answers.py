"""What is said where MLflow can't be reached, or is not what it should be: a sentence, and what to do."""

import sqlite3
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from archsmith.errors import AccessDeniedError, ArchsmithError, PermanentError, UnavailableError
from archsmith.tracking import Tracker

Answer = Callable[[str], tuple[int, str]]
"""Returns status and body of the answer to a request for a path."""


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


PAGE = "<!DOCTYPE html><html>" + "x" * 5000 + "</html>"


def old(path: str) -> tuple[int, str]:
    """An MLflow that lacks an API."""
    return (200, "1.30.0") if path == "/version" else (404, PAGE)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (lambda _: (404, PAGE), PermanentError, r"something answers there \(HTTP 404\), but not MLflow; look at the URI"),
        (lambda _: (200, PAGE), PermanentError, r"something answers there, but not MLflow"),
        (lambda _: (404, '{"detail": "Not Found"}'), PermanentError, r"something answers there.*, but not MLflow"),
        (lambda _: (200, "[1, 2]"), PermanentError, r"something answers there.*, but not MLflow"),
        (lambda _: (401, PAGE), AccessDeniedError, r"refuses the credentials: set MLFLOW_TRACKING_USERNAME and"),
        (lambda _: (403, '{"error_code": "PERMISSION_DENIED", "message": "no"}'), AccessDeniedError, r"refuses the credentials"),
        (lambda _: (403, PAGE), AccessDeniedError, r"refuses the credentials"),
        (lambda _: (502, PAGE), UnavailableError, r"only what stands before it \(HTTP 502\)\. Nothing is lost: `archsmith sync"),
        (lambda _: (500, PAGE), UnavailableError, r"fails \(HTTP 500\)\. .*`archsmith sync digits-chain` logs it"),
        (old, PermanentError, r"is version 1\.30\.0, which lacks what is asked of it; Archsmith needs 3\.1 or newer"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_mlflows_is_told_in_a_sentence(search, answer: Answer, kind: type[Exception], said: str) -> None:
    with serving(answer) as uri:
        assert_said(search, uri, kind, said)


def test_a_certificate_that_is_not_trusted_is_said_and_so_is_plain_http(search, tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=mlflow -days 1"
    subprocess.run([*command.split(), "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with serving(lambda _: (200, "{}"), context) as uri:
        assert_said(search, uri, PermanentError, r"can't be trusted \(.*certificate.*\); REQUESTS_CA_BUNDLE names the file")
    with serving(lambda _: (200, "{}")) as uri:
        assert_said(search, uri.replace("http:", "https:"), PermanentError, r"does not speak TLS; its URI begins with http://")


@pytest.mark.parametrize(
    ("uri", "kind", "said"),
    [
        ("http://me:secret@127.0.0.1:9", UnavailableError, r"can't be reached: the connection is refused. Nothing is lost"),
        ("http://no-such-host.invalid:5000", UnavailableError, r"can't be reached: its host is not known; look at the URI"),
        ("http://", UnavailableError, r"can't be reached: its host is not known"),
        ("http://[::1", PermanentError, r"can't be reached: this is no URI"),
        ("ftp://mlflow:5000", PermanentError, r"'ftp://mlflow:5000' is no tracking URI of MLflow; one begins with http://"),
        ("mlflow:5000", PermanentError, r"'mlflow:5000' is no tracking URI of MLflow"),
        ("./mlruns", PermanentError, r"is a folder, in which MLflow keeps no runs any more; name a file: sqlite:///"),
        ("mysql://team:secret@db/mlflow", PermanentError, r"needs a package that is not installed here"),
    ],
)  # fmt: skip
def test_a_place_where_no_mlflow_is_is_told_in_a_sentence(
    search, uri: str, kind: type[Exception], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_said(search, uri, kind, said)


def test_a_server_that_is_silent_is_told_in_a_sentence(search, silent_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    assert_said(search, silent_uri, UnavailableError, r"does not answer in time. Nothing is lost")


def test_a_proxy_that_is_down_is_said_to_be(search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:secret@127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert_said(
        search, "http://mlflow.example:5000", UnavailableError, r"can't be reached through the proxy; look at HTTPS_PROXY"
    )


def test_a_database_of_another_version_says_how_it_is_brought_up_to_date(search, sqlite_uri: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    assert_said(search, sqlite_uri, PermanentError, rf"another version of MLflow.*; `mlflow db upgrade {sqlite_uri}`")


def assert_said(search, uri: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        Tracker(search, uri).sync([])
    text = str(caught.value)
    assert isinstance(caught.value, ArchsmithError)
    assert len(text) < 400
    assert "secret" not in text
    assert not {"\n", "HTTPConnectionPool", "<html", "Traceback"} & {text, *text.split(" ")}
