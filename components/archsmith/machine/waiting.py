"""How torch's threads wait for each other: between two of a network's operations, thousands of times a second."""

import os

_OURS = {"GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "1"}
WAITING = {} if os.environ.keys() & {"OMP_WAIT_POLICY", *_OURS} else _OURS
"""Variables for processes that train, read by OpenMP when torch is loaded: a waiting thread spins for microseconds, then sleeps.

One that slept at once (`OMP_WAIT_POLICY=PASSIVE`) would have to be woken for each operation, which takes small networks twice the
time and more on an idle machine; one that spins for milliseconds, as by default, slows them tenfold where others compute, too.
Whoever has said how threads are to wait is left alone.
"""
