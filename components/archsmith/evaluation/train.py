"""The estimator that trains: a candidate's validation accuracy after a short training from scratch."""

import io
import logging
import time
from dataclasses import dataclass
from typing import Any

import torch

from archsmith.errors import CandidateError, OutOfMemoryError
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset, resized, subset
from archsmith.evaluation.device import Device
from archsmith.evaluation.estimator import Checkpoints, Progress
from archsmith.evaluation.measures import latency_s, peak_memory_mb
from archsmith.evaluation.training import Training
from archsmith.models import build
from archsmith.models.cost import FULL, cost_of
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.values import Proposal, Trial

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainEstimator:
    """Trains each candidate at the proposal's fidelity and measures it on the validation images.

    Accuracy and loss are those of the last epoch, not of the best: the best of a noisy curve flatters
    long trainings. Parameters, flops and latency are those of the network at full fidelity, the one that
    would be deployed.
    """

    dataset: Dataset
    """The images; the test images are not touched."""
    space: Space
    """Where the architectures come from."""
    training: TrainingSpec
    """How to train."""
    device: Device
    """Where to train."""
    checkpoints: Checkpoints
    """Where to leave off and to go on."""
    limit_s: float
    """Seconds of training that a trial may take."""
    data_seed: int
    """Seed of the part of the data, the same for all trials of a search so that they compare."""

    def estimate(self, proposal: Proposal, *, seed: int, progress: Progress) -> Trial:
        """Measure `proposal`, going on from its checkpoint where there is one."""
        start = time.perf_counter()
        training: Training | None = None
        before = 0.0
        try:
            training = self._training(proposal, seed)
            before = training.curve[-1].seconds if training.curve else 0.0
            for _ in training.run():
                progress(tuple(training.curve))
                self.checkpoints.write(proposal.id, dump(training.state()))
            metrics = self._metrics(proposal, training)
        except Exception as error:
            if not (reason := candidate_fault(error)):
                raise
            return self._trial(proposal, training, seed, before + time.perf_counter() - start, error=reason)
        return self._trial(proposal, training, seed, before + time.perf_counter() - start, metrics=metrics)

    def _training(self, proposal: Proposal, seed: int) -> Training:
        fidelity = proposal.fidelity
        train = resized(subset(self.dataset.train, fidelity.data, self.data_seed), fidelity.resolution)
        validation = resized(self.dataset.validation, fidelity.resolution)
        shape = (self.dataset.input_shape[0], *train.images.shape[2:])
        network = build(
            self.space, proposal.architecture, shape, len(self.dataset.classes),
            fidelity=fidelity, mean=self.dataset.mean, std=self.dataset.std,
        )  # fmt: skip
        settings, device = self.training, self.device
        training = Training(
            network,
            Batches(train, batch_size=settings.batch_size, device=device.torch, channels_last=True, augment=settings.augment),
            Batches(validation, batch_size=2 * settings.batch_size, device=device.torch, channels_last=True),
            settings, epochs=fidelity.epochs, device=device, seed=seed, limit_s=self.limit_s,
        )  # fmt: skip
        if (saved := self.checkpoints.read(proposal.id)) is not None and (state := load(saved)) is not None:
            training.restore(state)
        return training

    def _metrics(self, proposal: Proposal, training: Training) -> dict[str, float]:
        shape, n_classes = self.dataset.input_shape, len(self.dataset.classes)
        counted = cost_of(self.space, proposal.architecture, shape, n_classes)
        deployed = self.device.place(build(self.space, proposal.architecture, shape, n_classes, fidelity=FULL))
        last = training.curve[-1]
        return {
            "accuracy": last.val_accuracy,
            "loss": last.val_loss,
            "n_params": counted.n_params,
            "flops": counted.flops,
            "latency_s": latency_s(deployed, shape, self.device),
            "peak_memory_mb": peak_memory_mb(self.device),
        }

    def _trial(
        self, proposal: Proposal, training: Training | None, seed: int, seconds: float,
        *, metrics: dict[str, float] | None = None, error: str | None = None,
    ) -> Trial:  # fmt: skip
        return Trial(
            proposal,
            "failed" if error else "complete",
            metrics or {},
            tuple(training.curve) if training else (),
            error=error,
            seconds=seconds,
            finished_at=time.time(),
            seed=seed,
            device=self.device.name,
        )


def candidate_fault(error: Exception) -> str | None:
    """Say what is wrong with the candidate, or None where the fault lies elsewhere."""
    if isinstance(error, CandidateError):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error):
        first = str(error).splitlines()[0] if str(error) else "allocation failed"
        return f"{OutOfMemoryError.__name__}: {first}; try a smaller `batch_size` or fewer `workers`."
    if isinstance(error, RuntimeError | ValueError):  # what torch raises for shapes that do not fit
        return f"{type(error).__name__}: {error}"
    return None


def dump(state: dict[str, Any]) -> bytes:
    """Write a state of training."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def load(saved: bytes) -> dict[str, Any] | None:
    """Read a state of training, or None where it can't be read: then training starts anew."""
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(saved), weights_only=True)
    except Exception as error:  # a damaged file fails in many ways, and costs no more than the epochs so far
        log.warning("A checkpoint can't be read and is passed over: %s", error)
        return None
    return state
