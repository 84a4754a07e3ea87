"""The rounds of a search that a pipeline has to run."""

import math

from archsmith.search import Search
from archsmith.stores.folder import SearchFolder


def open_rounds(search: Search, folder: SearchFolder) -> range:
    """Return the rounds that are not complete, and all after the first of these.

    A budget that has grown may have no more rounds than before, only larger ones: 20 trials are 3 rounds of 7, 24 are
    3 of 8. Where the file names no number of rounds, there are then as many more as the trials that are left take.
    """
    budget, proposed = search.spec.budget, folder.rounds()
    last = folder.proposals(proposed - 1) if proposed else None
    end = budget.n_rounds
    if last and budget.rounds is None:
        left = budget.n_trials - (last[-1].number + 1)
        end = max(end, proposed + math.ceil(left / budget.round_size))
    return range(folder.first_open(), end)
