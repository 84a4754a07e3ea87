"""Processes that end with the one that started them, so that a killed search leaves none behind."""

import ctypes
import os
import signal
import sys
import threading
import time

VARIABLE = "ARCHSMITH_DIES_WITH_PARENT"
"""Set for the processes of a local run. A pod needs none of this: its container ends as a whole."""


def die_with_parent(parent: int | None = None) -> None:
    """Have this process killed when its parent ends, however that happens.

    Args:
        parent: Process id of the parent as it was known before this process started; if it is gone
            already, this process ends at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    else:
        threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def die_with_local_run() -> None:
    """Do so where this process is a task of a local run."""
    if os.environ.get(VARIABLE):
        die_with_parent()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)
