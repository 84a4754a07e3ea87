"""Each way in which urllib3 fails, made by a real socket, and what is said of it."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import urllib3

from archsmith.cluster.unanswered import why

Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[str]:
    """Run a server that does `serve` with its first connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


def closes(connection: socket.socket) -> None:
    connection.recv(1000)


def is_silent(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.recv(1000)


def talks_otherwise(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"220 smtp ready\r\n")


def breaks_off(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def refuses() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def asked(url: str, pool: urllib3.PoolManager | None = None, retries: int | bool = False, timeout_s: float = 30.0) -> str:
    pool = pool or urllib3.PoolManager()
    with pytest.raises(urllib3.exceptions.HTTPError) as caught:
        pool.request("GET", url, timeout=timeout_s, retries=retries)
    return why(caught.value)


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (closes, r"the connection broke \(Remote end closed connection without response\)"),
        (is_silent, "no answer in time"),
        (talks_otherwise, r"the connection broke \(220 smtp ready\s*\)"),
        (breaks_off, "the connection broke in the middle of the answer"),
    ],
)
def test_a_connection_that_breaks_is_told_in_words(serve: Serve, said: str) -> None:
    with listening(serve) as url:
        assert re.fullmatch(said, asked(url, timeout_s=0.3 if serve is is_silent else 30.0))


def test_a_server_that_is_not_there_is_told_in_words() -> None:
    assert asked(refuses()) == asked(refuses(), retries=1) == "no connection (Connection refused)"
    assert asked("http://nowhere.invalid") == "its name is unknown"
    through = urllib3.ProxyManager(refuses())
    assert asked("https://anywhere.invalid", through) == "its proxy does not lead there (no connection (Connection refused))"


def test_a_server_without_tls_is_told_in_words() -> None:
    with listening(talks_otherwise) as url:
        said = asked(url.replace("http:", "https:"))
    assert said.startswith("no secure connection (")
    assert "('" not in said
