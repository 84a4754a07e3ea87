"""The step that measures a round's proposals: a process a trial, several at a time."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from archsmith.errors import TransientError
from archsmith.evaluation.config import TrainConfig
from archsmith.search import Search
from archsmith.steps.pool import Died, Limits, Pool
from archsmith.steps.propose import time_is_up
from archsmith.steps.workers import divide
from archsmith.stores.folder import SearchFolder
from archsmith.values import EpochRecord, Proposal, Trial

log = logging.getLogger(__name__)

GRACE_S = 30
"""Seconds past its limit after which a trial that did not stop by itself is killed."""


def estimate(folder: SearchFolder, search: Search, round_: int, *, pod: int = 0, pods: int = 1) -> int:
    """Measure this pod's share of the round's proposals that have no trial yet; return how many were measured.

    A bad candidate is recorded as a failed trial; what this raises is never a candidate's fault.
    """
    proposals = folder.proposals(round_) or ()
    pending = {p.id for p in folder.pending(round_)} if proposals else set()
    mine = [p for p in proposals[pod::pods] if p.id in pending]
    if not mine or time_is_up(search, folder.history()):
        return 0
    measured = 0
    for trial in _measure(folder, search, mine):
        folder.record(trial)
        folder.delete_checkpoint(trial.id)
        folder.clear_progress(trial.id)
        log.info("trial %04d %s: %s", trial.proposal.number, trial.status, trial.error or dict(trial.metrics))
        measured += 1
    return measured


def preload() -> None:
    """Import what a worker needs before it is forked, so that the imports are paid for once."""
    import torch

    torch.set_num_threads(1)  # a fork must not inherit a pool of threads; each worker takes its own number
    import torch._dynamo  # every optimizer of torch imports it at its first use, for seconds

    import archsmith.evaluation.train  # noqa: F401


def seed_of(search: Search, proposal: Proposal) -> int:
    """Return the seed of a trial: it depends on the search's seed and on what is measured, and on nothing else."""
    return int.from_bytes(sha256(f"{search.spec.seed}/{proposal.id}".encode()).digest()[:4], "big")


def _measure(folder: SearchFolder, search: Search, proposals: list[Proposal]):  # type: ignore[no-untyped-def]
    """Yield a trial for each proposal, in order of completion."""
    preload()
    import torch

    from archsmith.steps.images import load_images

    gpus = torch.cuda.device_count() if search.spec.resources.gpu else 0
    workers = divide(search.spec.resources, trials=len(proposals), gpus=gpus)
    limit_s = search.estimation.max_seconds if isinstance(search.estimation, TrainConfig) else math.inf
    work = Work(folder, search, load_images(search), workers.threads, limit_s)
    pool = Pool[Proposal, Trial](work, workers=workers.count, limits=Limits(workers.memory_mb, limit_s + GRACE_S))
    for proposal, result in pool.run(proposals, _clock(folder, search)):
        yield _failed(search, proposal, result) if isinstance(result, Died) else result


def _clock(folder: SearchFolder, search: Search) -> Callable[[], bool]:
    """Return a test of whether the budget of minutes lets another trial start."""
    minutes = search.spec.budget.minutes
    if minutes is None:
        return lambda: True
    until = time.monotonic() + 60 * minutes - folder.history().busy_s()
    return lambda: time.monotonic() < until


def _failed(search: Search, proposal: Proposal, died: Died) -> Trial:
    return Trial(
        proposal, "failed", error=died.reason, seconds=died.seconds, finished_at=time.time(), seed=seed_of(search, proposal)
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker process does with a proposal."""

    folder: SearchFolder
    search: Search
    dataset: "Dataset"  # noqa: F821  named for the reader; torch is imported late
    threads: int
    limit_s: float

    def __call__(self, proposal: Proposal, slot: int) -> Trial:
        """Train the candidate, leaving checkpoints and progress in the store."""
        import torch

        from archsmith.evaluation.device import choose_device
        from archsmith.evaluation.train import TrainEstimator

        torch.set_num_threads(self.threads)
        spec = self.search.spec
        device = choose_device(gpu=spec.resources.gpu, fallback=spec.resources.fallback, index=slot)
        estimator = TrainEstimator(
            self.dataset, self.search.space, spec.training, device, StoredCheckpoints(self.folder), self.limit_s, spec.seed
        )

        def progress(curve: tuple[EpochRecord, ...]) -> None:
            self.folder.write_progress(proposal, curve)

        return estimator.estimate(proposal, seed=seed_of(self.search, proposal), progress=progress)


@dataclass(frozen=True, slots=True)
class StoredCheckpoints:
    """Checkpoints in the search's folder."""

    folder: SearchFolder

    def read(self, trial: str) -> bytes | None:
        """Return the checkpoint, or None where there is none."""
        return self.folder.read_checkpoint(trial)

    def write(self, trial: str, state: bytes) -> None:
        """Keep the checkpoint; without it, a kill would cost the epochs so far, so a store that is away stops nothing."""
        try:
            self.folder.write_checkpoint(trial, state)
        except TransientError as error:
            log.warning("The checkpoint of trial %s is not written: %s", trial, error)
