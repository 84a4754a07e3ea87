"""Following a search's run on KFP to the end of the search, which may take several runs.

KFP's word on a run is late after an outage, and is lost with the run's Workflow; so the store says whether the search is
done, and pods whether the run lives (`life.py`). A run that failed for a pod's sake is submitted again, and goes on from the
store.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.life import NOTHING_SEEN, Evidence, life_of, why_lost
from archsmith.cluster.run import Run
from archsmith.cluster.run_pods import UNSEEN, RunPods, Sighting
from archsmith.cluster.run_watch import RunWatch
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
    evidence: Evidence = NOTHING_SEEN
    """What is to be seen of the run beside what KFP says."""
    sighting: Sighting = UNSEEN
    """What Kubernetes shows of it, for people."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what."""

    every_s: float = 10.0
    """Seconds between two looks."""
    unanswered_s: float = 1800.0
    """Seconds for which KFP or the store may be away."""
    sleep: Callable[[float], None] = time.sleep
    """Waits for so many seconds."""


FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 600.0
"""Pauses before a search is submitted again for the second time, and at most; the first time, it is done at once."""

_FOR_GOOD = re.compile(r"configmaps?\b.* is forbidden|\bPod .* is invalid|[Ee]ntity too large", re.DOTALL)
"""Reasons of a Workflow that the next one would have too."""


def pause_s(submitted: int) -> float:
    """Return for how long to wait before a search is submitted again, which was so `submitted` times already."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (submitted - 1)) if submitted else 0.0


def decide(seen: Seen, submitted: int, retries: int) -> Decision:
    """Decide what to do with a run.

    Args:
        seen: How it stands.
        submitted: How often the search was submitted again so far.
        retries: How often it may be.
    """
    run = seen.run
    # A schedule has its search done each time, and then it is done from the time before.
    begins_anew = run is not None and bool(run.schedule) and run.active
    if (seen.done and not begins_anew) or (run is not None and run.state == "succeeded"):
        return Finish()
    if life_of(run, seen.evidence) in ("lives", "ending"):
        return Wait()
    if run is not None and run.state in ("cancelled", "ending"):
        return GiveUp(PermanentError(f"The run {run.id} of the search {run.name!r} was cancelled."))
    if seen.error is not None:
        return GiveUp(seen.error)
    reason = why_lost(run, seen.evidence)
    if _FOR_GOOD.search(reason):
        return GiveUp(PermanentError(f"{reason.rstrip('.')}. The next run would fail of it too, so there is none."))
    if submitted < retries:
        return SubmitAgain(reason)
    return GiveUp(
        PermanentError(
            f"{reason.rstrip('.')}. It was submitted again {submitted} times, as often as `spec.cluster.retries` allows."
        )
    )


def follow(
    api: KfpApi, run: Run, folder: SearchFolder, again: Callable[[], Run], *,
    retries: int, tell: Callable[[str], None] = log.info, look: Callable[[Seen], None] = lambda _: None,
    patience: Patience = Patience(), watch: RunWatch | None = None,
) -> Run:  # fmt: skip
    """Follow a search to its end; return its last run.

    Args:
        api: Where it runs.
        run: Its run.
        folder: Its folder in the store.
        again: Submits the search again.
        retries: How often that may be done.
        tell: Called with a line about what happens to the run.
        look: Called at each look with how the run stands, to show that of the search.
        patience: How long to wait.
        watch: Tells how the run stands beside what KFP says; from the store alone where it is left out.

    Raises:
        PermanentError: The run was cancelled, or failed once more than `retries`, or a step can't do its work.
        UnavailableError: KFP or the store was away for too long.
    """
    submitted, away_s, watch = 0, 0.0, watch or RunWatch(RunPods(None))
    while True:
        try:
            seen = see(api, run.id, folder, watch)
            decision = decide(seen, submitted, retries)
            if isinstance(decision, SubmitAgain):
                pause = pause_s(submitted)
                _tell_of(tell, run, decision, pause)
                if pause:
                    patience.sleep(pause)
                if seen.run is not None and seen.run.has_pods:
                    api.terminate(run.id)
                run = again()
                submitted += 1
                tell(f"The search goes on as the run {run.id}.")
            look(seen)
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


def _tell_of(tell: Callable[[str], None], run: Run, decision: SubmitAgain, pause: float) -> None:
    when = f" in {pause:.0f} s" if pause else ""
    reason = decision.reason.rstrip(".")
    what = reason if run.id in reason else f"The run {run.id} failed: {reason}"
    tell(f"{what}. Submitting what is left of the search{when}.")


def see(api: KfpApi, id_: str, folder: SearchFolder, watch: RunWatch) -> Seen:
    """See how a run stands; the store is asked last, so that a run that has ended has left there what it had to say."""
    try:
        now = api.run(id_)
    except NotFoundError:
        return Seen(None, folder.is_done(), read_error(folder))
    found = watch.look(now, folder)
    over = life_of(now, found.evidence) in ("lost", "ended")
    return Seen(now, folder.is_done(), read_error(folder) if over else None, found.evidence, found.sighting)


def wait_for_end(
    api: KfpApi, runs: Sequence[Run], watch: RunWatch, folder: SearchFolder | None,
    every_s: float = 2.0, sleep: Callable[[float], None] = time.sleep,
) -> None:  # fmt: skip
    """Wait until runs that were told to end have ended; `watch` sees to it that none of them is waited for for ever."""
    left = [run.id for run in runs]
    while left := [id_ for id_ in left if _is_ending(api, id_, watch, folder)]:
        sleep(every_s)


def _is_ending(api: KfpApi, id_: str, watch: RunWatch, folder: SearchFolder | None) -> bool:
    try:
        return watch.life(api.run(id_), folder) == "ending"
    except NotFoundError:
        return False
