"""The step that measures proposals: a process a trial, several at a time."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archsmith.errors import TransientError
from archsmith.evaluation.config import TrainConfig
from archsmith.search import Search
from archsmith.steps.budget import clock, seconds_left
from archsmith.steps.checkpoints import is_kept
from archsmith.steps.estimators import Means, make_estimator
from archsmith.steps.pods import Pods
from archsmith.steps.pool import Died, Later, Limits, Pool
from archsmith.steps.preload import preload
from archsmith.steps.propose import Paced
from archsmith.steps.seeds import seed_of
from archsmith.steps.simulated_clock import SimulatedClock
from archsmith.steps.stopping import Eyes
from archsmith.steps.work_source import LOOK_EVERY_S, NoProposer, Proposer, WorkSource
from archsmith.steps.workers import divide, room_mb, share_of
from archsmith.stores.board import Board
from archsmith.stores.folder import SearchFolder
from archsmith.stores.segments import BLOCK, Segment
from archsmith.values import History, Proposal, Trial

if TYPE_CHECKING:
    from archsmith.evaluation.data import Dataset

log = logging.getLogger(__name__)

ENDING = 4.0
"""Times its limit that a trial has in addition where it ends there with what it has learned: to kill it would leave nothing."""

GRACE_S = 30
"""Seconds past its limit after which a trial that did not stop by itself is killed."""


def estimate(folder: SearchFolder, search: Search, store: str, round_: int, *, pod: int = 0, pods: int = 1) -> int:
    """Measure what nobody else measures, and go on until nothing is left; return how many were measured.

    In a round, that are its proposals that have no trial yet. Where there are no rounds, those of the whole search, and whoever
    has nothing to do asks for the next one. A bad candidate is recorded as a failed trial; what this raises is never a
    candidate's fault.

    Args:
        folder: The search's folder.
        search: The search.
        store: URI of the store, which each worker opens for itself: a connection can't be shared with a fork.
        round_: The round; -1 where there are none.
        pod: Which of the estimate tasks this is, from 0; it is told for people, as whoever is free takes what there is.
        pods: How many there are.
    """
    board = Board(folder, None if round_ < 0 else round_)
    proposer = Paced(folder, search, board) if round_ < 0 else NoProposer()
    history = History.of(board.arrived) if round_ < 0 else folder.history()
    left_s = seconds_left(folder, search, history)
    if left_s <= 0 or not (any(board.open()) or proposer.propose()):
        return 0
    log.info("estimate %d of %d", pod + 1, pods)
    ended_at = max((t.finished_at for t in history if t.proposal.round < round_), default=0.0)
    task = _Task(folder, search, board, proposer, left_s, ended_at, history)
    return sum(1 for _ in (_look_up(task) if search.estimation.looks_up else _measure(task, store, rounds=round_ >= 0)))


@dataclass(frozen=True, slots=True)
class _Task:
    """What an estimate task works on."""

    folder: SearchFolder
    """The search's folder."""
    search: Search
    """The search."""
    board: Board
    """What is known of its work."""
    proposer: Proposer
    """Makes the proposals, where there are no rounds."""
    left_s: float
    """Seconds in which trials may be started."""
    ended_at: float
    """When the rounds before this one had ended."""
    before: History
    """What was known of the search when the task began."""

    @contextmanager
    def source(self, may_start: Callable[[], bool]) -> Iterator[WorkSource]:
        """Give what there is to do, as long as the body runs; this pod is known to live while it does."""
        pods = Pods(self.folder)
        try:
            yield WorkSource(self.folder, self.board, pods, self.proposer, may_start=may_start)
        finally:
            with suppress(TransientError):
                pods.leave()

    def history(self) -> History:
        """Return what is known of the search; of rounds, whose proposals are made with what others came to, these."""
        return self.board.history() if isinstance(self.proposer, Paced) else self.before

    def record(self, source: WorkSource, trial: Trial) -> bool:
        """Keep a trial, if another pod has not measured it, too; tell whether it is kept."""
        was_first = self.folder.record(trial)
        source.ended(trial.proposal, trial if was_first else None)
        log.info("trial %04d %s: %s", trial.proposal.number, trial.status, trial.error or dict(trial.metrics))
        self._compact(trial.proposal)
        return was_first

    def _compact(self, proposal: Proposal) -> None:
        """Put the rounds of a trial each into a segment once enough of them are complete; whoever ends the last one does."""
        first = proposal.round - proposal.round % BLOCK
        block = Segment(first, first + BLOCK - 1)
        if isinstance(self.proposer, Paced) and (trials := self.board.trials_of(block)) is not None:
            self.folder.compact_known(block, trials)


def _measure(task: _Task, store: str, *, rounds: bool) -> Iterator[Trial]:
    """Measure with a process a trial, several at a time; yield the trials in order of completion."""
    folder, search = task.folder, task.search
    method = preload(gradients=not rounds and search.scores_networks)
    from archsmith.steps.looks import Looks
    from archsmith.steps.work import Work

    images = _images(search, folder)  # before memory is divided: workers share them
    share = share_of(search, rounds=rounds)
    workers = divide(search.spec.resources, trials=share, left_mb=room_mb(tracks=search.spec.tracking.enabled))
    limit_s = search.estimation.trains.max_seconds if search.estimation.trains else math.inf
    eyes = Eyes(search)
    n_looks = sum(trial.proposal.is_look for trial in task.history())
    looks = Looks.load(search, folder, images) if images and n_looks < search.n_looks else None
    work = Work(store, search, images, workers.threads, limit_s, eyes, looks)
    ends = isinstance(search.estimation, TrainConfig) and search.estimation.at_limit == "end"
    limits = _limits(search, workers.memory_mb, limit_s + (ENDING * limit_s if ends else 0.0) + GRACE_S)
    pool = Pool[Proposal, Trial](
        work, workers=workers.count, limits=limits, method=method, stays=lambda proposal: proposal.is_look
    )
    strategy = search.strategy()
    with task.source(clock(task.left_s)) as source:
        for proposal, result in pool.run(eyes.watched(source, task.history), source.given_up):
            trial = _failed(folder, search, proposal, result) if isinstance(result, Died) else result
            if keeps := is_kept(strategy, trial):
                trial = replace(trial, checkpoint=folder.checkpoint_key(trial.id))
            # Once it is recorded; of one that another pod has measured, others may begin with the weights.
            if task.record(source, trial) and not keeps:
                folder.delete_checkpoint(trial.id)
            folder.clear_progress(trial.id)
            yield trial


def _images(search: Search, folder: SearchFolder) -> "Dataset | None":
    """Return the images; None where trials have none, as those of an estimator from elsewhere may."""
    from archsmith.steps.images import load_images

    return load_images(search, folder) if search.spec.data else None


def _limits(search: Search, memory_mb: float | None, seconds: float) -> Limits:
    """Return what a worker may use; a GPU's driver reserves more addresses than there is memory, and they count for nothing."""
    return Limits(memory_mb, seconds, addresses=not search.spec.resources.gpu)


def _look_up(task: _Task) -> Iterator[Trial]:
    """Measure in this process, one after the other.

    Where a table simulates the seconds of training, this is one simulated worker: each trial begins when the one before
    it has ended, the first one after those of others that its proposal was made with.
    """
    left = task.left_s
    eyes = Eyes(task.search)
    estimator = make_estimator(Means(task.search, task.folder, look=eyes))
    simulated = SimulatedClock(task.board, task.ended_at)
    with task.source(lambda: left > 0) as source:
        for proposal in eyes.watched(source, task.history):
            source.given_up()
            if isinstance(proposal, Later):
                time.sleep(LOOK_EVERY_S)
                continue
            trial = estimator.estimate(proposal, seed=seed_of(task.search, proposal), progress=lambda _: None)
            left -= trial.seconds
            trial = simulated.timed(trial)
            task.record(source, trial)
            yield trial


def _failed(folder: SearchFolder, search: Search, proposal: Proposal, died: Died) -> Trial:
    """Make the trial of a worker that died, with the curve as far as it came."""
    _, curve = folder.progress().get(proposal.id, (proposal, ()))
    seed = seed_of(search, proposal)
    return Trial(proposal, "failed", curve=curve, error=died.reason, seconds=died.seconds, finished_at=time.time(), seed=seed)
