"""A file of a search as a response: few at a time, since each is held in memory until all of it is sent."""

from collections.abc import Callable, Iterator, Mapping

import anyio
import anyio.to_thread
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from archsmith.ui import files

STALLED_S = 30.0
"""How long a browser may take for a piece, before others have its turn."""
PIECE = 1 << 18
"""Bytes that are sent at once, for which a browser is waited."""
MODELS = tuple(f"/files/{name}" for name, kind in files.FILES.items() if kind.media == "application/octet-stream")
"""How the addresses of models end."""


class Download(Response):
    """A file that is read when its turn has come, and sent piece by piece.

    Args:
        read: Reads the file; what it raises is told as the errors of other responses are.
        turns: How many are in memory at once.
        media: The type of the file.
        headers: More that browsers are told of it.
    """

    def __init__(self, read: Callable[[], bytes], turns: anyio.CapacityLimiter, media: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._read = read
        self._turns = turns
        self._media = media
        self._told = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, to whoever takes it."""

        async def send_soon(message: Message) -> None:
            with anyio.fail_after(STALLED_S):
                await send(message)

        async with self._turns:
            data = await anyio.to_thread.run_sync(self._read)
            headers = {**self._told, "Content-Length": str(len(data))}
            try:
                await StreamingResponse(_pieces(data), 200, headers, self._media)(scope, receive, send_soon)
            except (TimeoutError, ClientDisconnect):
                return  # the server closes the connection, as not all was sent


def _pieces(data: bytes) -> Iterator[bytes]:
    for begin in range(0, len(data), PIECE):
        yield data[begin : begin + PIECE]


class Zipped(GZipMiddleware):
    """Compresses what browsers ask for, but models, which hardly shrink."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"].endswith(MODELS):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
