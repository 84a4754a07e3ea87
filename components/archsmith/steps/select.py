"""The step that selects the winner."""

from archsmith.search import Search
from archsmith.selection import select as select_from
from archsmith.stores.folder import SearchFolder
from archsmith.values import Selection


def select(folder: SearchFolder, search: Search) -> Selection:
    """Select among all trials, and keep the result; a search without a winner has a selection that says why."""
    if rounds := folder.rounds():
        folder.compact(rounds - 1)  # those before it were, when the next one was proposed
    selection = select_from(folder.history(), search.spec.objectives, search.estimation.fidelity)
    folder.write_json("selection.json", selection.to_dict())
    return selection
