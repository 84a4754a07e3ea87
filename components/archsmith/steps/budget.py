"""What is left of a search's budget of time."""

import math
import time
from collections.abc import Callable

from archsmith.search import Search
from archsmith.stores.folder import SearchFolder
from archsmith.values import History


def seconds_left(folder: SearchFolder, search: Search, history: History) -> float:
    """Return the seconds in which trials may still be started; infinite where the budget has no minutes.

    Time counts while shared weights are trained and while trials run; pauses between two runs of the search do not.
    """
    minutes = search.spec.budget.minutes
    if minutes is None:
        return math.inf
    shared_s = folder.supernet_seconds() if search.sharing else 0.0
    return 60 * minutes - shared_s - history.busy_s()


def clock(seconds: float) -> Callable[[], bool]:
    """Return a test of whether these seconds, counted from now, are not over yet."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until
