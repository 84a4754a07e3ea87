"""The step that selects the winner."""

from pathlib import PurePosixPath

from archsmith.outcome import Selection
from archsmith.search import Search
from archsmith.selection import select as select_from
from archsmith.stores.folder import SearchFolder
from archsmith.values import History


def select(folder: SearchFolder, search: Search) -> Selection:
    """Select among all trials, and keep the result; a search without a winner has a selection that says why."""
    if rounds := folder.rounds():
        folder.compact(rounds - 1)  # those before it were, when the next one was proposed
    history = folder.history()
    _clear(folder, history)
    selection = select_from(history, search.spec.objectives, search.estimation.fidelity)
    folder.write_json("selection.json", selection.to_dict())
    return selection


def _clear(folder: SearchFolder, history: History) -> None:
    """Delete progress and checkpoints of trials that have ended: a kill right after a trial was written leaves them."""
    done = {trial.id for trial in history if trial.checkpoint is None}
    left = [key for kind in ("progress/", "checkpoints/") for key in folder.store.list(folder.key(kind))]
    folder.store.delete([key for key in left if PurePosixPath(key).stem in done])
