"""What is left of a search's budget of time."""

import math
import time
from collections.abc import Callable

from archsmith.search import Search
from archsmith.values import History


def seconds_left(search: Search, history: History) -> float:
    """Return the seconds in which trials may still be started; infinite where the budget has no minutes.

    Time counts while trials run; pauses between two runs of the search do not.
    """
    minutes = search.spec.budget.minutes
    return math.inf if minutes is None else 60 * minutes - history.busy_s()


def clock(seconds: float) -> Callable[[], bool]:
    """Return a test of whether these seconds, counted from now, are not over yet."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until
