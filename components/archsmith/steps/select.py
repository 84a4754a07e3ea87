"""The step that selects the winner."""

from pathlib import PurePosixPath

from archsmith.errors import SpecError
from archsmith.search import Search
from archsmith.selection import find, ranked
from archsmith.selection import select as select_from
from archsmith.stores.folder import SearchFolder
from archsmith.values import History
from archsmith.values.outcome import Selection

N_NAMED = 5
"""Trials that an error names."""


def select(folder: SearchFolder, search: Search) -> Selection:
    """Select among all trials, and keep the result; a search without a winner has a selection that says why.

    Raises:
        SpecError: The trial that `retrain.trial` names is not there, or has failed.
    """
    if rounds := folder.rounds():
        folder.compact(rounds - 1)  # those before it were, when the next one was proposed
    history = folder.history()
    _clear(folder, history)
    selection = select_from(history, search.spec.objectives, search.estimation.fidelity, search.spec.retrain)
    if selection.winner is not None:
        _check_named(search, history)
    folder.write_json("selection.json", selection.to_dict())
    return selection


def _check_named(search: Search, history: History) -> None:
    named = search.spec.retrain.trial
    if named is None or find(history, named) is not None:
        return
    failed = any(named in (t.id, t.proposal.number) for t in history)
    best = ", ".join(f"{t.proposal.number} ({t.id})" for t in ranked(history, search.spec.objectives)[:N_NAMED])
    raise SpecError(
        f"spec.retrain.trial is {named!r}, but {'that trial has failed' if failed else 'the search has no such trial'}; "
        f"give the number of one, or its id in quotes. The best are: {best}."
    )


def _clear(folder: SearchFolder, history: History) -> None:
    """Delete progress and checkpoints of trials that have ended: a kill right after a trial was written leaves them."""
    done = {trial.id for trial in history if trial.checkpoint is None}
    left = [key for kind in ("progress/", "checkpoints/") for key in folder.store.list(folder.key(kind))]
    folder.store.delete([key for key in left if PurePosixPath(key).stem in done])
