"""What is left of a search's budget of time."""

import math

from archsmith.search import Search
from archsmith.stores.folder import SearchFolder


def seconds_left(folder: SearchFolder, search: Search) -> float:
    """Return the seconds in which trials may still be started; infinite where the budget has no minutes.

    Time counts while trials run; pauses between two runs of the search do not.
    """
    minutes = search.spec.budget.minutes
    return math.inf if minutes is None else 60 * minutes - folder.history().busy_s()
