"""Runs the pages until they are ended."""

import re
import socket
from collections.abc import Callable, Sequence

import uvicorn

from archsmith.errors import PermanentError
from archsmith.stores import open_store
from archsmith.stores.retry import Backoff
from archsmith.ui.app import make_app

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""Names of this machine for itself."""

_BACKOFF = Backoff(attempts=2, base_s=0.1)
"""A store that is away is said on the page, which asks again; nobody waits half a minute for that."""


def serve(
    uri: str, host: str, port: int, *, base: str = "", allowed: Sequence[str] = (), started: Callable[[str], None] | None = None
) -> None:
    """Serve the pages of the store at a URI.

    Args:
        uri: Of the store.
        host: Address to listen at. At one of this machine for itself, only its own names are answered, and `allowed` ones.
        port: Port to listen at; any that is free with 0.
        base: Path that all addresses begin with.
        allowed: Further names that the pages are asked by.
        started: Is called with the address as soon as the server listens.

    Raises:
        PermanentError: Nothing can listen there, or the path is none.
    """
    path = checked_base(base)
    names = [*LOOPBACK, *allowed]
    hosts = names if allowed or host.strip("[]") in {name.strip("[]") for name in LOOPBACK} else None
    app = make_app(open_store(uri, backoff=_BACKOFF), uri, base=path, hosts=hosts)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=3,
        limit_concurrency=400,
    )  # fmt: skip
    with _listening(host, port) as listener:
        bound = listener.getsockname()[1]
        if started:
            started(f"http://{f'[{host}]' if ':' in host else host}:{bound}{path}/")
        uvicorn.Server(config).run([listener])


def checked_base(base: str) -> str:
    """Return a base path as addresses begin with it: with a slash before it and none behind; empty at the root."""
    path = f"/{base.strip('/')}" if base.strip("/") else ""
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path) or "/." in path:
        rule = "it has segments of letters, digits and `._~-`, joined by `/`, none of which begins with a dot"
        raise PermanentError(f"The pages can't be at {base!r}: {rule}, as in /archsmith.")
    return path


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PermanentError(
            f"Nothing can listen at {host}, port {port}: {error.strerror or error}. Give another one with --port, or --port 0."
        ) from error
    return listener
