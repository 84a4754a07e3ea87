"""What a worker process does with a reference."""

import logging
from dataclasses import dataclass
from typing import Any

import torch

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import device_of
from archsmith.evaluation.retrain import InFull, train_in_full
from archsmith.evaluation.speed import speed_of
from archsmith.models.cost import Cost
from archsmith.models.references import Simple, build_simple, simple
from archsmith.search import Search
from archsmith.steps.checkpoints import StoredCheckpoints
from archsmith.steps.deadline import training_s
from archsmith.steps.exporting import exported
from archsmith.steps.references import Referred, limit_s, training_of
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.stores.references import Referring
from archsmith.values import EpochRecord, seed_from
from archsmith.values.durations import Speed
from archsmith.values.outcome import TrainedModel
from archsmith.values.references import CALLED, Reference, ReferenceName

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MeasuringReference:
    """Measures how fast a reference is trained, of a winner that is not known yet."""

    search: Search
    """The search."""
    dataset: Dataset
    """Its images."""
    threads: int
    """Threads of torch."""
    limit_s: float
    """Seconds that it is measured for, about."""
    n_params: float
    """Parameters that the winner may have."""
    flops: float
    """Its multiply-adds of an image."""

    def __call__(self, name: ReferenceName, slot: int) -> Speed:
        """Measure, on the GPU number `slot` where there are GPUs."""
        torch.set_num_threads(self.threads)
        spec, dataset = self.search.spec, self.dataset
        device = device_of(spec.resources, slot)
        form = simple(name, dataset.input_shape, dataset.n_classes, Cost(round(self.n_params), round(self.flops)))
        network = build_simple(form, dataset.input_shape, dataset.n_classes, mean=dataset.mean, std=dataset.std)
        training = spec.retrain.training or spec.training
        return speed_of(network, dataset, training, device=device, limit_s=self.limit_s)


@dataclass(frozen=True, slots=True)
class Referencing:
    """Trains a reference as the winner was trained, tests it once, and exports it."""

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
    winner: TrainedModel
    """The winner: how long it was trained, and how large it is."""

    def __call__(self, name: ReferenceName, slot: int) -> Referred:
        """Return the reference, and the files of its folder by name."""
        torch.set_num_threads(self.threads)
        spec, dataset, winner = self.search.spec, self.dataset, self.winner
        folder = SearchFolder(open_store(self.store), self.search.name)
        device = device_of(spec.resources, slot)
        seed = seed_from(f"{spec.seed}/reference/{name}")
        like = Cost(round(winner.metrics["n_params"]), round(winner.metrics["flops"]))
        form = simple(name, dataset.input_shape, dataset.n_classes, like)

        def make() -> torch.nn.Module:
            return build_simple(form, dataset.input_shape, dataset.n_classes, mean=dataset.mean, std=dataset.std)

        def progress(curve: tuple[EpochRecord, ...], epochs: int) -> None:
            folder.write_referring(Referring(name, epochs, curve))
            last = curve[-1]
            log.info("reference %s: epoch %d of %d: validation accuracy %.4f", name, last.epoch, epochs, last.val_accuracy)

        how = InFull(
            epochs=winner.epochs, device=device, seed=seed, checkpoints=StoredCheckpoints(folder), key=self.key,
            progress=progress, limit_s=limit_s(winner, training_s(folder, self.search, name)),
        )  # fmt: skip
        trained = train_in_full(make, dataset, training_of(self.search, winner), how)
        files, agreement = exported(trained, dataset, self._about(name, form), "reference.json")
        reference = Reference(
            name, form.words, winner.epochs, len(trained.curve), trained.best.epoch, trained.metrics, trained.curve,
            trained.curve[-1].seconds, seed, device.name, agreement,
        )  # fmt: skip
        return reference, files

    def _about(self, name: ReferenceName, form: Simple) -> dict[str, Any]:
        """Say what the model is, and where it comes from."""
        return {"search": self.search.name, "reference": name, "notation": f"{CALLED[name]}: {form.words}"}
