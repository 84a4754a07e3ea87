"""The estimator that trains: a candidate's validation accuracy after a short training, or after one that goes on."""

import math
import time
from dataclasses import dataclass

from archsmith.evaluation.at_fidelity import at_fidelity
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.birth import born, labelled
from archsmith.evaluation.checkpoint import dump, resumed
from archsmith.evaluation.config import ANNEAL, DISTIL, Anneal
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.deployed import deployed
from archsmith.evaluation.device import Device
from archsmith.evaluation.estimator import Checkpoints, Look, Progress, look_at_nothing
from archsmith.evaluation.faults import candidate_fault
from archsmith.evaluation.folds import FoldedTraining, folds
from archsmith.evaluation.seeding import seeded
from archsmith.evaluation.settled import settled
from archsmith.evaluation.training import Training
from archsmith.models import build
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.values import Inherits, Proposal, Stop, Trial, seed_from
from archsmith.values.trials import Status


@dataclass(frozen=True, slots=True)
class TrainEstimator:
    """Trains each candidate at the proposal's fidelity and measures it on the validation images.

    Accuracy and loss are those of the last epoch, not of the best: the best of a noisy curve flatters
    long trainings. Parameters, flops, latency and memory are those of the network at full fidelity, the one that
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
    horizon: int = 1
    """Epochs of a full training, over which the learning rate's schedule spans where it anneals once; at least a trial's own."""
    anneal: Anneal = ANNEAL
    """Whether trials that go on from each other have one schedule together, or one each."""
    look: Look = look_at_nothing
    """Ends a trial early where it is not worth its other epochs."""
    distil: float = DISTIL
    """Passes over the training images in which a network that was shrunk learns its parent's outputs before it is trained."""
    folds: int | None = None
    """Parts of the training and validation images of which each validates once; None where the validation images do."""
    cut_off: bool = False
    """Whether a trial ends at its limit with what it has learned by then, and has not failed."""

    def estimate(self, proposal: Proposal, *, seed: int, progress: Progress) -> Trial:
        """Measure `proposal`, going on from its checkpoint, else from what its origin says; see `Estimator.estimate`."""
        begun = time.perf_counter()
        training: Training | FoldedTraining | None = None
        metrics: dict[str, float] = {}
        stop: Stop | None = None
        fault: str | None = None
        try:
            training = resumed(lambda: self._begin(proposal, seed), self.checkpoints, proposal.id, proposal.origin)
            begun -= training.seconds
            if isinstance(proposal.origin, Inherits) and training.birth is None:
                training = self._born(proposal, proposal.origin, seed)
            stop = self._looked_at(proposal, training)  # it may have been killed at the end of its last epoch
            epochs = training.run()
            while stop is None and next(epochs, None) is not None:
                progress(tuple(training.curve))
                self._leave_off(proposal, training)
                stop = self._looked_at(proposal, training)
            metrics = self._metrics(proposal, training)
        except Exception as error:
            if not (fault := candidate_fault(error)):
                raise
            stop = None
        status: Status = "failed" if fault else "stopped" if stop else "complete"
        return Trial(
            proposal, status, metrics, tuple(training.curve) if training else (), error=fault, stop=stop,
            seconds=time.perf_counter() - begun, finished_at=time.time(), seed=seed, device=self.device.name,
            birth=training.birth if training else None,
        )  # fmt: skip

    def _looked_at(self, proposal: Proposal, training: Training | FoldedTraining) -> Stop | None:
        """Say whether the training ends here: after an epoch of its own that is not its last one."""
        own = proposal.epochs_before < len(training.curve) < proposal.fidelity.epochs
        return self.look(proposal, tuple(training.curve)) if own else None

    def _leave_off(self, proposal: Proposal, training: Training | FoldedTraining) -> None:
        self.checkpoints.write(proposal.id, dump(labelled(training.state(), proposal)))

    def _born(self, proposal: Proposal, origin: Inherits, seed: int) -> Training:
        """Return a training that begins with the weights of another trial, which is never read again."""
        training = born(
            lambda: self._single(proposal, seed, self.dataset), origin.trial, self.checkpoints.read(origin.trial), self.space,
            n_classes=self.dataset.n_classes, distil=self.distil,
        )  # fmt: skip
        self._leave_off(proposal, training)
        return training

    def _begin(self, proposal: Proposal, seed: int) -> Training | FoldedTraining:
        """Return a training at the proposal's fidelity that has not begun."""
        if self.folds is None:
            return self._single(proposal, seed, self.dataset)
        parts = folds(self.dataset, self.folds, self.data_seed)
        seeds = [seed_from(f"{seed}/fold/{k}") for k in range(len(parts))]
        trainings = [self._single(proposal, own, part) for own, part in zip(seeds, parts, strict=True)]
        return FoldedTraining(trainings, limit_s=self.limit_s, cut_off=self.cut_off)

    def _single(self, proposal: Proposal, seed: int, dataset: Dataset) -> Training:
        """Return a training on some images that has not begun."""
        fidelity = proposal.fidelity
        dataset = at_fidelity(dataset, fidelity, self.data_seed)
        with seeded(seed, self.device):
            network = build(
                self.space, proposal.architecture, dataset.input_shape, dataset.n_classes,
                fidelity=fidelity, mean=dataset.mean, std=dataset.std,
            )  # fmt: skip
        settings, device = settled(self.training, self.space, proposal.architecture), self.device
        return Training(
            network,
            Batches(dataset.train, settings.batch_size, device=device.target, channels_last=True, augment=settings.augment),
            Batches(dataset.validation, 2 * settings.batch_size, device=device.target, channels_last=True),
            settings, epochs=fidelity.epochs, spans=self._spans(proposal), device=device, seed=seed,
            limit_s=math.inf if self.folds and self.cut_off else self.limit_s, cut_off=self.cut_off,
        )  # fmt: skip

    def _spans(self, proposal: Proposal) -> tuple[int, ...]:
        """Return the epochs at which the learning rate's schedule ends.

        With a schedule a rung, the epochs before are one span: so a training whose checkpoint was lost has the same rates
        again where the trial before was the first.
        """
        epochs = proposal.fidelity.epochs
        if self.anneal == "once":
            return (max(self.horizon, epochs),)
        return (proposal.epochs_before, epochs) if proposal.epochs_before else (epochs,)

    def _metrics(self, proposal: Proposal, training: Training | FoldedTraining) -> dict[str, float]:
        """Return the metrics of a training that is done, and of the network at full fidelity."""
        last = training.curve[-1]
        measured = deployed(self.space, proposal.architecture, self.dataset, self.device)
        return {"accuracy": last.val_accuracy, "loss": last.val_loss, **measured}
