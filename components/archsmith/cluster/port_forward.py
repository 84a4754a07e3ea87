"""A port of this machine that leads to a service of a cluster: `kubectl port-forward`, started again when it dies."""

import re
import shutil
import subprocess
import threading
from collections import deque
from typing import Self

from archsmith.errors import AccessDeniedError, ArchsmithError, PermanentError, UnavailableError

START_S = 30.0
"""Longest wait for the first connection."""
PAUSE_S = 1.0
"""Between the end of a child and the start of the next one."""

_READY = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) -> ")
_WITH_US = """\
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
{ read -r _ <&3; kill "$child"; } 2>/dev/null &
wait "$child"
status=$?
kill "$!" 2>/dev/null
exit "$status"
"""
"""Runs a program that ends with us, however we end: our end of its input is then closed."""


class PortForward:
    """Keeps a port open while its block lasts.

    It is a thread that starts the child and reads what it says; after the first time, the port stays the same.

    Args:
        service: Name of the service.
        port: Its port.
        namespace: Its namespace.
        context: The context of the kubeconfig; the current one where it is left out.
        program: What is run.
    """

    def __init__(self, service: str, port: int, namespace: str, context: str | None = None, *, program: str = "kubectl") -> None:
        self._target, self._program = f"the service {service!r} in the namespace {namespace!r}", program
        chosen = ["--context", context] if context else []
        self._options = [*chosen, "-n", namespace, "port-forward", "--address", "127.0.0.1", f"svc/{service}"]
        self._remote = port
        self._local: int | None = None
        self._child: subprocess.Popen[str] | None = None
        self._said: deque[str] = deque(maxlen=3)
        self._settled, self._closing = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            PermanentError: There is no `kubectl`, or no such service.
            AccessDeniedError: We may not.
            UnavailableError: It does not get ready in time.
        """
        if shutil.which(self._program) is None:
            raise PermanentError(
                f"The program {self._program!r} is not on PATH, but the store can only be reached through it: it is inside the "
                "cluster. Install it, or run this command in a pod of the cluster."
            )
        self._thread.start()
        self._settled.wait(START_S)
        if self._local is None:
            self.close()
            raise self._error()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port of this machine."""
        assert self._local is not None, "the port is known once the block has begun"
        return self._local

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._closing.set()
            if self._child is not None:
                _hang_up(self._child)
        self._thread.join(10)

    def _keep(self) -> None:
        """Run children one after the other; if the first one fails, say so and end."""
        while (child := self._start()) is not None:
            with child:
                assert child.stdout is not None
                for line in child.stdout:
                    self._hear(line.strip())
                _hang_up(child)
            if self._local is None:
                self._settled.set()
                return
            self._closing.wait(PAUSE_S)

    def _start(self) -> "subprocess.Popen[str] | None":
        """Start a child, unless it is over."""
        with self._lock:
            if self._closing.is_set():
                return None
            ports = f"{self._local or ''}:{self._remote}"
            self._child = subprocess.Popen(  # noqa: S603  names are arguments of their own, not a shell's text
                ["/bin/sh", "-c", _WITH_US, "sh", self._program, *self._options, ports],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # Ctrl-C is for us
            )
            return self._child

    def _hear(self, line: str) -> None:
        if found := _READY.match(line):
            self._local = int(found[1])
            self._settled.set()
        elif line:
            self._said.append(line)

    def _error(self) -> ArchsmithError:
        """Make the error of a first child that did not get ready, from what it said."""
        said = " ".join(self._said) or f"it was not ready within {START_S:.0f} s"
        about = f"`kubectl port-forward` to {self._target} failed: {said.rstrip('.')}."
        if "forbidden" in said.lower() or "unauthorized" in said.lower():
            return AccessDeniedError(
                f"{about} Ask for the right to create `pods/portforward` there, and to get services and pods."
            )
        if "not found" in said.lower():
            return PermanentError(f"{about} Is the chart installed there?")
        return UnavailableError(f"{about} `kubectl get pods` shows whether it runs.")


def _hang_up(child: "subprocess.Popen[str]") -> None:
    """Close the child's input, which ends it."""
    if child.stdin is not None:
        child.stdin.close()
