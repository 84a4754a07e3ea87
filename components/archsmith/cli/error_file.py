"""Where the error of a command goes besides the terminal: into a pod's termination message, for whoever looks after the pod."""

import contextlib
import json
import os
from bisect import bisect_right
from pathlib import Path

from archsmith import errors
from archsmith.errors import ArchsmithError

LIMIT_BYTES = 4096
"""Kubernetes keeps no more of a termination message."""


def leave_error(error: ArchsmithError) -> None:
    """Write `error` as JSON into the file that ARCHSMITH_ERROR_FILE names, where it names one that can be written."""
    from archsmith.steps.main import ERROR_FILE

    if place := os.environ.get(ERROR_FILE):
        with contextlib.suppress(OSError):
            Path(place).write_bytes(_short(errors.to_dict(error)))


def _short(written: dict[str, str]) -> bytes:
    """Return the JSON of an error, with so much of its message as fits."""
    message = written["message"]
    content = _json(written)
    if len(content) <= LIMIT_BYTES:
        return content
    fits = bisect_right(range(len(message)), LIMIT_BYTES, key=lambda n: len(_json({**written, "message": f"{message[:n]}…"})))
    return _json({**written, "message": f"{message[: fits - 1]}…"})


def _json(written: dict[str, str]) -> bytes:
    return json.dumps(written, ensure_ascii=False).encode()
