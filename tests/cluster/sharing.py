"""One cluster for all processes of a run of pytest: made once, had alone by a test that disturbs others, removed by the last."""

import fcntl
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


class Shared:
    """What the processes of one run of pytest agree on, by locks on files; those of a process that dies go with it.

    Args:
        run: What tells this run of pytest from others.
    """

    def __init__(self, run: str) -> None:
        self.folder = Path(tempfile.gettempdir(), f"archsmith-tests-{run}")
        self._users: IO[str] | None = None

    def join(self) -> None:
        """Say that this process will use the cluster."""
        self.folder.mkdir(exist_ok=True)
        self._users = self._open("users")
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def leave(self, patience_s: float = 0) -> dict[str, Any] | None:
        """Say that this process is done with it; the last one to say so gets what was made, and has to remove it.

        Args:
            patience_s: How long others may take to be done, too.
        """
        if self._users is None:
            return None
        with self._users as users:
            end = time.monotonic() + patience_s
            while not _is_last(users):
                if time.monotonic() > end:
                    return None
                time.sleep(0.1)
            made = self._made()
            shutil.rmtree(self.folder)
            return made

    def once(self, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what `make` returns, which one process calls; the others wait for it."""
        with self._open("making") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (made := self._made()) is None:
                made = make()
                (self.folder / "made.json").write_text(json.dumps(made), encoding="utf-8")
            return made

    @contextmanager
    def room(self, *, alone: bool) -> Iterator[None]:
        """Be where the others are, or alone there; who waits to be alone lets nobody in before."""
        with self._open("room") as room:
            with self._open("door") as door:
                fcntl.flock(door, fcntl.LOCK_EX)
                fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield

    def _made(self) -> dict[str, Any] | None:
        path = self.folder / "made.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _open(self, name: str) -> IO[str]:
        return (self.folder / name).open("a", encoding="utf-8")


def _is_last(users: IO[str]) -> bool:
    """Give up a lock that others may have as well, and tell whether nobody has it now."""
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
