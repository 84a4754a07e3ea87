"""How busy this machine is, told by how long a little computing takes."""

import os
import time

LOOK_S = 0.25
"""Seconds of computing by which that is told."""

QUIET_S = 0.02
"""What ten sums of a hundred thousand numbers take on a core of the machine that reserves of time were measured on."""

MOST = 6.0
"""How much of it is believed to last."""


def slowness() -> float:
    """Tell how many times longer than on a quiet machine things take here, from 1 to 6."""
    begin, n = time.perf_counter(), 0
    while time.perf_counter() - begin < LOOK_S:
        sum(range(100_000))
        n += 1
    now = (time.perf_counter() - begin) / n * 10 / QUIET_S
    return max(1.0, min(MOST, max(now, _waiting())))


def _waiting() -> float:
    """Return how many processes there were for each core in the last minute: a short computation gets ahead of long ones."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)
