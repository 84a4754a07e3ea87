"""Following a search's run on KFP to the end of the search, which may take several runs.

KFP's word on a run is late after an outage, and is lost with the run's Workflow; so the store says whether the search is
done. A run that failed for a pod's sake is submitted again, and goes on from the store.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.run import Run
from archsmith.errors import ArchsmithError, NotFoundError, PermanentError, TransientError
from archsmith.steps.last_error import read_error
from archsmith.stores.folder import SearchFolder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wait:
    """The run may still do something."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The search is done."""


@dataclass(frozen=True, slots=True)
class SubmitAgain:
    """The run failed for a pod's sake, and the search goes on in another one."""

    reason: str
    """What is known of why."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The search will not be done."""

    error: ArchsmithError
    """Why."""


Decision = Wait | Finish | SubmitAgain | GiveUp


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a search at a moment."""

    run: Run | None
    """Its latest run; None where KFP has lost it."""
    done: bool
    """Whether the store says that the search is done."""
    error: ArchsmithError | None = None
    """What a step has left in the store, which it would raise again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what."""

    every_s: float = 10.0
    """Seconds between two looks."""
    unanswered_s: float = 1800.0
    """Seconds for which KFP or the store may be away."""
    sleep: Callable[[float], None] = time.sleep
    """Waits for so many seconds."""


def decide(seen: Seen, submitted: int, retries: int) -> Decision:
    """Decide what to do with a run.

    Args:
        seen: How it stands.
        submitted: How often the search was submitted again so far.
        retries: How often it may be.
    """
    run = seen.run
    if seen.done or (run is not None and run.state == "succeeded"):
        return Finish()
    if run is not None and run.has_pods:
        return Wait()
    if run is not None and run.state == "cancelled":
        return GiveUp(PermanentError(f"The run {run.id} of the search {run.name!r} was cancelled."))
    if seen.error is not None:
        return GiveUp(seen.error)
    reason = (run.reason or "KFP gives no reason; a pod was killed or could not start") if run else "KFP has lost the run"
    if submitted < retries:
        return SubmitAgain(reason)
    return GiveUp(
        PermanentError(f"{reason}. It was submitted again {submitted} times, as often as `spec.cluster.retries` allows.")
    )


def follow(
    api: KfpApi, run: Run, folder: SearchFolder, again: Callable[[], Run], *,
    retries: int, tell: Callable[[str], None] = log.info, look: Callable[[], None] = lambda: None,
    patience: Patience = Patience(),
) -> Run:  # fmt: skip
    """Follow a search to its end; return its last run.

    Args:
        api: Where it runs.
        run: Its run.
        folder: Its folder in the store.
        again: Submits the search again.
        retries: How often that may be done.
        tell: Called with a line about what happens to the run.
        look: Called at each look at the run, to show how the search stands.
        patience: How long to wait.

    Raises:
        PermanentError: The run was cancelled, or failed once more than `retries`, or a step can't do its work.
        UnavailableError: KFP or the store was away for too long.
    """
    submitted, away_s = 0, 0.0
    while True:
        try:
            decision = decide(see(api, run.id, folder), submitted, retries)
            if isinstance(decision, SubmitAgain):
                tell(f"The run {run.id} failed: {decision.reason}. Submitting what is left of the search.")
                run = again()
                submitted += 1
                tell(f"The search goes on as the run {run.id}.")
            look()
            away_s = 0.0
        except TransientError as error:
            if away_s >= patience.unanswered_s:
                raise
            tell(f"{error} Trying again.")
            decision, away_s = Wait(), away_s + patience.every_s
        if isinstance(decision, Finish):
            return run
        if isinstance(decision, GiveUp):
            raise decision.error
        patience.sleep(patience.every_s)


def see(api: KfpApi, id_: str, folder: SearchFolder) -> Seen:
    """See how a run stands; the store is asked last, so that a run that has ended has left there what it had to say."""
    try:
        now = api.run(id_)
    except NotFoundError:
        return Seen(None, folder.is_done(), read_error(folder))
    return Seen(now, folder.is_done(), None if now.has_pods else read_error(folder))
