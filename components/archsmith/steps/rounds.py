"""The rounds of a search that a pipeline has to run."""

from archsmith.search import Search
from archsmith.stores.folder import SearchFolder

NO_ROUNDS = -1
"""What a pipeline gives its one propose and its estimates in place of a round, where the search has none."""


def all_rounds(search: Search) -> range:
    """Return the rounds of a search; where it has none, one pass that is not a round."""
    rounds = search.spec.budget.rounds
    return range(NO_ROUNDS, NO_ROUNDS + 1) if rounds is None else range(rounds)


def open_rounds(search: Search, folder: SearchFolder) -> range:
    """Return the rounds that are not complete, and all after the first of these; a search without rounds always has its pass.

    A budget that has grown has no more rounds than the file names, only larger ones. What was proposed and has no trial is run.
    """
    rounds = search.spec.budget.rounds
    if rounds is None:
        return all_rounds(search)
    return range(folder.first_open(), max(rounds, folder.rounds()))
