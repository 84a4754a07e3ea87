"""Tracking while a search runs, that never stops, slows or fails it."""

import base64
import json
import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from multiprocessing import Pipe
from typing import Self

from archsmith.errors import ArchsmithError, UnavailableError
from archsmith.machine.children import environment
from archsmith.tracking.places import redact
from archsmith.tracking.supernet import SharedWeights
from archsmith.tracking.tracked import TrackedSearch
from archsmith.values import Trial

_log = logging.getLogger(__name__)

PATIENCE_S = 600.0
"""Longest time that one catch-up may take; then its process is ended, and a new one goes on where it was."""
LONGEST_WAIT_S = 120.0
"""Longest pause between two tries while MLflow does not answer."""
LEAVING_S = 0.3
"""Time that ending the process takes, which `close` keeps back."""


class BackgroundTracker:
    """Catches up with a running search every few seconds, in a thread and a process of its own.

    MLflow down or slow costs the search nothing: the tracker waits, twice as long after each failure.
    What it does not manage is logged by the report step, or by `archsmith sync`.

    Args:
        search: the search.
        uri: the tracking URI, as `resolve_uri` gives it.
        pull: returns all trials of the search so far; called in the tracker's thread.
        shared: returns what is known of the training of shared weights, likewise.
        every_s: seconds between two looks.
        settled: tells whether somebody else has logged all of the search by now, or has said what is missing.
    """

    def __init__(
        self,
        search: TrackedSearch,
        uri: str,
        pull: Callable[[], Iterable[Trial]],
        shared: Callable[[], SharedWeights] = SharedWeights,
        *,
        every_s: float = 5.0,
        settled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._search = search
        self._uri = uri
        self._pull = pull
        self._shared = shared
        self._every_s = every_s
        self._settled = settled
        self._worker: _Worker | None = None
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._trials: dict[str, Trial] = {}
        self._logged: set[str] | None = None
        self._epoch = 0
        self._error = f"MLflow at {redact(uri)} was given no time to answer."
        self._thread = threading.Thread(target=self._run, name="archsmith-tracking", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, timeout_s: float = 10.0) -> int:
        """Try a last time, and give up after `timeout_s` seconds; returns how many trials are not logged.

        Where all is settled, nothing is tried, and none is missing.
        """
        settled = self._is_settled()
        self._deadline = 0.0 if settled else time.monotonic() + timeout_s - LEAVING_S
        self._closing.set()
        self._thread.join(timeout_s)
        if settled:
            return 0
        if n_left := len(self._trials.keys() - (self._logged or set())):
            _log.warning(
                "MLflow lacks %d of the trials of the search %r: %s `archsmith sync %s` logs them.",
                *(n_left, self._search.name, self._error, self._search.name),
            )
        return n_left

    def _is_settled(self) -> bool:
        try:
            return self._settled()
        except ArchsmithError:  # the store does not answer
            return False

    def _run(self) -> None:
        """Catch up again and again; the thread's body."""
        wait_s, last = 0.0, False
        while not last:
            last = self._closing.wait(wait_s)
            good = self._catch_up(time.monotonic() + PATIENCE_S)
            wait_s = self._every_s if good else min(max(2 * wait_s, self._every_s), LONGEST_WAIT_S)
        if self._worker:
            self._worker.end()

    def _catch_up(self, deadline: float) -> bool:
        """Log what is new, and tell whether that went well."""

        def is_late() -> bool:
            return time.monotonic() > min(deadline, self._deadline)

        try:
            self._trials = {trial.id: trial for trial in self._pull()}
            shared = self._shared()
            epoch = shared.records[-1].epoch if shared.records else 0
            is_new = self._logged is None or self._trials.keys() - self._logged or epoch > self._epoch or shared.files
            if not is_late() and is_new:
                self._worker = self._worker or _Worker(self._search, self._uri)
                self._worker.log(self._trials, shared, is_late)
                self._logged, self._epoch = set(self._trials), epoch
        except Exception as error:  # whatever it is, the search goes on
            self._error = redact(str(error))
            _log.debug("Tracking will try again: %s", self._error)
            if self._worker and not self._worker.alive:
                self._worker = None
            return False
        return True


class _Worker:
    """The process that logs, seen from here."""

    def __init__(self, search: TrackedSearch, uri: str) -> None:
        self._connection, theirs = Pipe()
        self._scratch = tempfile.TemporaryDirectory(prefix="archsmith-", ignore_cleanup_errors=True)  # it is killed in the end
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own module, in this Python
                [sys.executable, "-m", "archsmith.tracking.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(TMPDIR=self._scratch.name),
                start_new_session=True,  # Ctrl-C is for the search, which then closes us
            )
        # Not an argument of the command, which everybody on the machine can read: it may hold a password.
        self._send({"search": search.to_dict(), "uri": uri})
        self._sent: set[str] = set()
        self._epoch = 0

    @property
    def alive(self) -> bool:
        """Whether the process is there to be asked."""
        return self._process.poll() is None

    def log(self, trials: dict[str, Trial], shared: SharedWeights, is_late: Callable[[], bool]) -> None:
        """Have them logged; raises `UnavailableError` if they are not, and ends a process that is late."""
        new = [trial for trial in trials.values() if trial.id not in self._sent]
        epochs = [record for record in shared.records if record.epoch > self._epoch]
        files = {name: base64.b64encode(data).decode() for name, data in shared.files.items()}
        try:
            self._send({"trials": [t.to_dict() for t in new], "epochs": [record.to_dict() for record in epochs], "files": files})
            self._sent |= {trial.id for trial in new}
            self._epoch = max([self._epoch, *(record.epoch for record in epochs)])
            while not self._connection.poll(0.1):
                if is_late():
                    raise TimeoutError("MLflow took too long")
            error = json.loads(self._connection.recv_bytes())
        except (OSError, EOFError) as broken:
            self.end()
            raise UnavailableError(f"The process that logs to MLflow was ended: {broken or 'by somebody else'}.") from broken
        if error:
            raise UnavailableError(error)

    def end(self) -> None:
        """End the process at once: a catch-up that is cut off is completed by the next one."""
        self._process.kill()
        self._process.wait()
        self._connection.close()
        self._scratch.cleanup()

    def _send(self, message: object) -> None:
        self._connection.send_bytes(json.dumps(message).encode())
