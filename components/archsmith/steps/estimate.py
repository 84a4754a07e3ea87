"""The step that measures a round's proposals: a process a trial, several at a time."""

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from archsmith.evaluation.config import TrainConfig
from archsmith.search import Search
from archsmith.steps.budget import seconds_left
from archsmith.steps.estimators import Means, make_estimator
from archsmith.steps.pool import Died, Limits, Pool, StartMethod
from archsmith.steps.seeds import seed_of
from archsmith.steps.stopping import Eyes
from archsmith.steps.workers import divide, room_mb
from archsmith.stores.folder import SearchFolder
from archsmith.values import Proposal, Trial

log = logging.getLogger(__name__)

GRACE_S = 30
"""Seconds past its limit after which a trial that did not stop by itself is killed."""


def estimate(folder: SearchFolder, search: Search, store: str, round_: int, *, pod: int = 0, pods: int = 1) -> int:
    """Measure this pod's share of the round's proposals that have no trial yet; return how many were measured.

    A bad candidate is recorded as a failed trial; what this raises is never a candidate's fault.

    Args:
        folder: The search's folder.
        search: The search.
        store: URI of the store, which each worker opens for itself: a connection can't be shared with a fork.
        round_: The round.
        pod: Which of the round's estimate tasks this is, from 0.
        pods: How many there are.
    """
    proposals = folder.proposals(round_) or ()
    pending = {p.id for p in folder.pending(round_)} if proposals else set()
    mine = [p for p in proposals[pod::pods] if p.id in pending]
    if not mine or seconds_left(folder, search) <= 0:
        return 0
    measured = 0
    trials = _look_up(folder, search, mine) if search.estimation.looks_up else _measure(folder, search, store, mine)
    for trial in trials:
        folder.record(trial)
        log.info("trial %04d %s: %s", trial.proposal.number, trial.status, trial.error or dict(trial.metrics))
        measured += 1
    return measured


def preload() -> StartMethod:
    """Import what a worker needs before it is started, and return how to start it.

    A fork shares the imports and the images with this process. But it must not inherit a pool of threads, without which
    torch would wait for ever in it: so this process computes on one thread from now on, and where torch may have
    computed on more already, as in a notebook, workers are started afresh.
    """
    loaded = sys.modules.get("torch")
    if loaded is not None and loaded.get_num_threads() > 1:
        return "spawn"
    import torch

    torch.set_num_threads(1)
    import torch._dynamo  # every optimizer of torch imports it at its first use, for seconds

    import archsmith.evaluation.train  # noqa: F401

    return "fork"


def _measure(folder: SearchFolder, search: Search, store: str, proposals: Sequence[Proposal]) -> Iterator[Trial]:
    """Yield a trial for each proposal, in order of completion."""
    method = preload()
    from archsmith.steps.images import load_images
    from archsmith.steps.work import Work

    images = load_images(search, folder)  # before memory is divided: workers share them
    share = -(-search.spec.budget.round_size // search.spec.resources.pods)
    workers = divide(search.spec.resources, trials=share, left_mb=room_mb(tracks=search.spec.tracking.enabled))
    limit_s = search.estimation.max_seconds if isinstance(search.estimation, TrainConfig) else math.inf
    eyes = Eyes(search)
    work = Work(store, search, images, workers.threads, limit_s, eyes)
    limits = _limits(search, workers.memory_mb, limit_s + GRACE_S)
    pool = Pool[Proposal, Trial](work, workers=workers.count, limits=limits, method=method)
    for proposal, result in pool.run(eyes.watched(proposals, folder.history), _clock(folder, search)):
        yield (trial := _failed(folder, search, proposal, result) if isinstance(result, Died) else result)
        folder.delete_checkpoint(trial.id)  # once it is recorded
        folder.clear_progress(trial.id)


def _limits(search: Search, memory_mb: float | None, seconds: float) -> Limits:
    """Return what a worker may use; a GPU's driver reserves more addresses than there is memory, and they count for nothing."""
    return Limits(memory_mb, seconds, addresses=not search.spec.resources.gpu)


def _look_up(folder: SearchFolder, search: Search, proposals: Sequence[Proposal]) -> Iterator[Trial]:
    """Yield a trial for each proposal, measured in this process.

    Where a table simulates the seconds of training, this is one simulated worker: each trial begins when the one before
    it has ended, the first one after the last of the rounds before.
    """
    left = seconds_left(folder, search)
    eyes = Eyes(search)
    estimator = make_estimator(Means(search, folder, look=eyes))
    at = max((t.finished_at for t in folder.history() if t.proposal.round < proposals[0].round), default=0.0)
    for proposal in eyes.watched(proposals, folder.history):
        if left <= 0:
            return
        trial = estimator.estimate(proposal, seed=seed_of(search, proposal), progress=lambda _: None)
        at, left = max(at + trial.seconds, trial.finished_at), left - trial.seconds
        yield replace(trial, finished_at=at)


def _clock(folder: SearchFolder, search: Search) -> Callable[[], bool]:
    """Return a test of whether the budget of minutes lets another trial start."""
    until = time.monotonic() + seconds_left(folder, search)
    return lambda: time.monotonic() < until


def _failed(folder: SearchFolder, search: Search, proposal: Proposal, died: Died) -> Trial:
    """Make the trial of a worker that died, with the curve as far as it came."""
    _, curve = folder.progress().get(proposal.id, (proposal, ()))
    seed = seed_of(search, proposal)
    return Trial(proposal, "failed", curve=curve, error=died.reason, seconds=died.seconds, finished_at=time.time(), seed=seed)
