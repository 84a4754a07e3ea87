"""The step that selects the winner."""

import logging
from pathlib import PurePosixPath

from archsmith.opening import check_named
from archsmith.search import Search
from archsmith.selection import select as select_from
from archsmith.spec import at_once
from archsmith.steps.checkpoints import needed_for_more
from archsmith.steps.workers import workers_in_all
from archsmith.stores.folder import SearchFolder
from archsmith.values import History
from archsmith.values.outcome import Selection
from archsmith.values.words import NOTHING_MORE

log = logging.getLogger(__name__)


def select(folder: SearchFolder, search: Search) -> Selection:
    """Select among all trials, and keep the result; a search without a winner has a selection that says why.

    Raises:
        SpecError: The trial that `retrain.trial` names is not there, or has failed.
    """
    folder.compact_all()
    history = folder.history()
    _clear(folder, search, history)
    selection = select_from(history, search.spec.objectives, search.estimation.fidelity, search.spec.retrain)
    if selection.winner is not None:
        check_named(search, history)
    folder.write_json("selection.json", selection.to_dict())
    if search.pays_for_more(history):
        log.info("%s.", NOTHING_MORE)
    return selection


def _clear(folder: SearchFolder, search: Search, history: History) -> None:
    """Delete what nobody needs any more; a kill right after a trial was written leaves some.

    That are claims, the progress of trials that have ended, and all checkpoints but those from which a search with a larger
    budget would go on.
    """
    ended = {trial.id for trial in history}
    unseen = 0 if search.spec.budget.rounds else at_once(folder.workers() or workers_in_all(search)) - 1
    needed = needed_for_more(search.strategy(), history, unseen)
    wanted = needed & {trial.id for trial in history if trial.checkpoint is not None}
    for kind, left in (("progress/", ended), ("checkpoints/", ended - wanted)):
        folder.store.delete([key for key in folder.store.list(folder.key(kind)) if PurePosixPath(key).stem in left])
    folder.sweep_claims()
