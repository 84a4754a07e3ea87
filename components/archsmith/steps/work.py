"""What a worker process does with a proposal."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import torch

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import device_of
from archsmith.evaluation.estimator import Look, look_at_nothing
from archsmith.evaluation.faults import candidate_fault
from archsmith.evaluation.retrain import InFull, retrain
from archsmith.evaluation.speed import speed
from archsmith.evaluation.threads import computing_with
from archsmith.search import Search
from archsmith.spec import TrainingSpec
from archsmith.steps.checkpoints import StoredCheckpoints
from archsmith.steps.deadline import training_s
from archsmith.steps.estimators import Means, make_estimator
from archsmith.steps.exporting import exported
from archsmith.steps.looks import Looks
from archsmith.steps.seeds import seed_of
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture, EpochRecord, Fidelity, Proposal, Trial, seed_from
from archsmith.values.durations import Speed
from archsmith.values.outcome import TrainedModel

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 0.5
"""Epochs may be shorter than this; nobody looks more often, and each look at the store has its price."""


@dataclass(frozen=True, slots=True)
class Work:
    """Measures a candidate, leaving checkpoints and progress in the store."""

    store: str
    """URI of the store."""
    search: Search
    """The search."""
    dataset: Dataset | None
    """Its images, loaded before the worker was forked and so shared with all others; None where it has none."""
    threads: int
    """Threads of torch."""
    limit_s: float
    """Seconds of training that a trial may take."""
    look: Look = look_at_nothing
    """Ends a trial early where it is not worth its other epochs; prepared before the worker is started."""
    looks: Looks | None = None
    """Measures with the weights that all candidates share, where there are some."""

    def __call__(self, proposal: Proposal, slot: int) -> Trial:
        """Measure `proposal`, on the GPU number `slot` where there are GPUs."""
        torch.set_num_threads(self.threads)
        seed = seed_of(self.search, proposal)
        if proposal.is_look:
            assert self.looks is not None
            return self.looks.at(slot).estimate(proposal, seed=seed, progress=lambda _: None)
        folder = SearchFolder(open_store(self.store), self.search.name)
        estimator = make_estimator(Means(self.search, folder, self.dataset, slot, self.limit_s, self.look))

        shown_at = -PROGRESS_EVERY_S

        def progress(curve: tuple[EpochRecord, ...]) -> None:
            nonlocal shown_at
            if time.monotonic() - shown_at >= PROGRESS_EVERY_S:
                folder.write_progress(proposal, curve)
                shown_at = time.monotonic()

        return estimator.estimate(proposal, seed=seed, progress=progress)


@dataclass(frozen=True, slots=True)
class Probe:
    """A network whose training is to be measured."""

    architecture: Architecture
    """Which network."""
    fidelity: Fidelity
    """At which fidelity."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """Measures how fast networks are trained by a worker, while others measure beside it."""

    search: Search
    """The search."""
    dataset: Dataset
    """Its images."""
    training: TrainingSpec
    """How networks are trained."""
    threads: int
    """Threads of torch."""
    limit_s: float
    """Seconds that a network is measured for, about."""
    as_trial: bool
    """Whether it is measured as a trial is; else as a training in full."""

    def __call__(self, probe: Probe, slot: int) -> Speed | None:
        """Measure, on the GPU number `slot` where there are GPUs; return None for what can't be trained."""
        torch.set_num_threads(self.threads)
        device = device_of(self.search.spec.resources, slot)
        try:
            return speed(
                self.dataset, self.search.space, probe.architecture, self.training,
                fidelity=probe.fidelity, device=device, limit_s=self.limit_s, as_trial=self.as_trial,
            )  # fmt: skip
        except Exception as error:
            if not candidate_fault(error):
                raise
            return None


@dataclass(frozen=True, slots=True)
class Trying:
    """Measures candidates as trials do, and keeps nothing but the seconds."""

    store: str
    """URI of a store that is not kept."""
    search: Search
    """The search."""
    dataset: Dataset
    """Its images."""
    threads: int
    """Threads of torch."""

    def __call__(self, probe: Probe, slot: int) -> float | None:
        """Return the seconds of a trial; None where it fails."""
        torch.set_num_threads(self.threads)
        folder, proposal = SearchFolder(open_store(self.store), self.search.name), Proposal(probe.architecture, probe.fidelity)
        estimator = make_estimator(Means(self.search, folder, self.dataset, slot))
        trial = estimator.estimate(proposal, seed=seed_of(self.search, proposal), progress=lambda _: None)
        return trial.seconds if trial.status == "complete" else None


Result = TypeVar("Result")


def here(work: Callable[[Probe, int], Result], probes: Iterable[Probe]) -> list[Result]:
    """Do in this process what workers would do, where none can be forked; its threads are as they were after that."""
    with computing_with(torch.get_num_threads()):
        return [work(probe, 0) for probe in probes]


@dataclass(frozen=True, slots=True)
class Retraining:
    """Trains an architecture in full, tests it once, and exports it."""

    store: str
    """URI of the store."""
    search: Search
    """The search."""
    dataset: Dataset
    """Its images."""
    threads: int
    """Threads of torch."""
    key: str
    """Id of the checkpoint."""

    def __call__(self, winner: Proposal, slot: int) -> tuple[TrainedModel, dict[str, bytes]]:
        """Return the trained model, and the files of its folder by name."""
        torch.set_num_threads(self.threads)
        spec, dataset = self.search.spec, self.dataset
        folder = SearchFolder(open_store(self.store), self.search.name)
        device = device_of(spec.resources, slot)
        seed = seed_from(f"{spec.seed}/retrain/{winner.architecture.id}")

        def progress(curve: tuple[EpochRecord, ...], epochs: int) -> None:
            folder.write_progress(winner, curve, epochs)
            last = curve[-1]
            log.info("epoch %d of %d: validation accuracy %.4f", last.epoch, epochs, last.val_accuracy)

        how = InFull(
            epochs=spec.retrain.epochs, device=device, seed=seed, checkpoints=StoredCheckpoints(folder), key=self.key,
            progress=progress, limit_s=training_s(folder, self.search),
        )  # fmt: skip
        trained = retrain(dataset, self.search.space, winner.architecture, spec.retrain.training or spec.training, how)
        files, agreement = exported(trained, dataset, self._about(winner), "architecture.json")
        model = TrainedModel(
            winner.id, winner.architecture, len(trained.curve), trained.best.epoch, trained.metrics, trained.curve,
            trained.curve[-1].seconds, seed, device.name, dataset.classes, dataset.input_shape, agreement,
            trained.tested.confusion,
        )  # fmt: skip
        examples = orjson.dumps([example.to_dict() for example in trained.tested.examples])
        return model, {"examples.json": examples, **files}

    def _about(self, winner: Proposal) -> dict[str, Any]:
        """Say what the model is, and where it comes from."""
        return {
            "search": self.search.name,
            "trial": winner.id,
            "architecture": winner.architecture.to_dict(),
            "notation": self.search.describe(winner.architecture),
            "decisions": self.search.space.assignment(winner.architecture),
        }
