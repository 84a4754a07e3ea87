"""Checkpoints of what trains, in the search's folder."""

import logging
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import PurePosixPath

from archsmith.errors import TransientError
from archsmith.stores.folder import SearchFolder
from archsmith.strategies.strategy import Keeps, Strategy, kept
from archsmith.values import History, Trial

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredCheckpoints:
    """Checkpoints in the search's folder."""

    folder: SearchFolder
    """The search's folder."""

    def read(self, trial: str) -> bytes | None:
        """Return the checkpoint, or None where there is none."""
        return self.folder.read_checkpoint(trial)

    def write(self, trial: str, state: bytes) -> None:
        """Keep the checkpoint; without it, a kill would cost the epochs so far, so a store that is away stops nothing."""
        try:
            self.folder.write_checkpoint(trial, state)
        except TransientError as error:
            log.warning("The checkpoint of trial %s is not written: %s", trial, error)


def forget(folder: SearchFolder, strategy: Strategy, history: History, gone: Set[int] = frozenset()) -> Set[int]:
    """Delete the checkpoints of trials that nothing will go on from any more; return the numbers of these.

    Args:
        folder: The search's folder.
        strategy: Says which weights it may need yet.
        history: All trials that it knows, and all proposals that have none for it.
        gone: Numbers of trials whose checkpoints were deleted before.
    """
    held = {t.id: t.proposal.number for t in history if t.checkpoint is not None and t.proposal.number not in gone}
    if not held:
        return gone
    left = held.keys() - kept(strategy, history)
    folder.delete_checkpoints(left)
    return gone | {held[trial] for trial in left}


def needed_for_more(strategy: Strategy, history: History, unseen: int) -> frozenset[str]:
    """Return the ids of the trials whose weights are needed where a search that has ended goes on with a larger budget.

    Args:
        strategy: Says which weights it may need yet.
        history: All trials, and proposals that were made and have none: with more time, these are measured first.
        unseen: How many of the last ones, at most, are still running for whoever makes the next proposals.
    """
    n = len(history)
    seen = (History(history.trials[:k]) for k in range(max(0, n - unseen), n + 1))
    return kept(strategy, history).union(*(kept(strategy, each) for each in seen))


def is_kept(strategy: Strategy, trial: Trial) -> bool:
    """Tell whether the weights of a trial that has just ended are kept."""
    return trial.status == "complete" and isinstance(strategy, Keeps) and trial.id in strategy.keeps(History((trial,)))


def clear_left(folder: SearchFolder, kind: str, wanted: Iterable[str]) -> None:
    """Delete what killed trainings of a kind have left to go on from, but what is wanted yet.

    Args:
        folder: The search's folder.
        kind: What the ids of their checkpoints begin with.
        wanted: Ids of those that are kept.
    """
    kept_ids = set(wanted)
    left = folder.store.list(folder.key(f"checkpoints/{kind}"))
    folder.store.delete([key for key in left if PurePosixPath(key).stem not in kept_ids])
