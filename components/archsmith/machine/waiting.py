"""How torch's threads wait for each other: between two of a network's operations, thousands of times a second."""

import os

WAITING = {} if "OMP_WAIT_POLICY" in os.environ else {"GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "1"}
"""Variables for processes that train, read by OpenMP when torch is loaded: a waiting thread spins for microseconds, then sleeps.

One that slept at once (`OMP_WAIT_POLICY=PASSIVE`) would have to be woken for each operation, which takes small networks twice the
time and more on an idle machine; one that spins for milliseconds, as by default, slows them tenfold where others compute, too.
"""
