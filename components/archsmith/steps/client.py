"""The task's side of a local run: its step is passed on to the warm process of `archsmith.steps.server`.

It imports next to nothing, since each task of the pipeline pays for it.
"""

import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archsmith import errors
from archsmith.errors import KilledError
from archsmith.steps.sockets import address_of

VARIABLE = "ARCHSMITH_STEP_SERVER"
"""The address of the server, for the tasks of a local run."""


def call(address: str, step: str, arguments: Sequence[Any]) -> Any:
    """Have the server at `address` run a step, and return its result; raises what the step raises, if it is ours."""
    request = json.dumps({"step": step, "arguments": list(arguments)}).encode()
    try:
        reply = _exchange(address, request)
    except ConnectionError:
        reply = b""
    if not reply:
        raise KilledError(f"The process of the step {step!r} was killed; if nobody did it, the system was short of memory.")
    raw = json.loads(reply)
    if "error" in raw:
        raise errors.from_dict(raw["error"])
    return raw["value"]


def _exchange(address: str, request: bytes) -> bytes:
    """Return the reply to a request; it is empty where the process that was to answer has ended."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        with address_of(Path(address)) as short:
            connection.connect(short)
        socket.send_fds(connection, [len(request).to_bytes(8, "big")], [sys.stderr.fileno()])
        connection.sendall(request)
        with connection.makefile("rb") as stream:
            return stream.read()
