"""What a worker process does with a proposal."""

import logging
import time
from dataclasses import dataclass
from typing import Any

import orjson
import torch

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.estimator import Look, look_at_nothing
from archsmith.evaluation.export import export
from archsmith.evaluation.preprocessing import preprocessing
from archsmith.evaluation.retrain import retrain
from archsmith.search import Search
from archsmith.steps.checkpoints import StoredCheckpoints
from archsmith.steps.estimators import Means, make_estimator
from archsmith.steps.seeds import seed_of
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.values import EpochRecord, Proposal, Trial, seed_from
from archsmith.values.outcome import TrainedModel

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 0.5
"""Epochs may be shorter than this; nobody looks more often, and each look at the store has its price."""

N_COMPARED = 64
"""Validation images on which the exports are compared with the network."""


@dataclass(frozen=True, slots=True)
class Work:
    """Measures a candidate, leaving checkpoints and progress in the store."""

    store: str
    """URI of the store."""
    search: Search
    """The search."""
    dataset: Dataset
    """Its images, loaded before the worker was forked and so shared with all others."""
    threads: int
    """Threads of torch."""
    limit_s: float
    """Seconds of training that a trial may take."""
    look: Look = look_at_nothing
    """Ends a trial early where it is not worth its other epochs; prepared before the worker is started."""

    def __call__(self, proposal: Proposal, slot: int) -> Trial:
        """Measure `proposal`, on the GPU number `slot` where there are GPUs."""
        torch.set_num_threads(self.threads)
        folder = SearchFolder(open_store(self.store), self.search.name)
        estimator = make_estimator(Means(self.search, folder, self.dataset, slot, self.limit_s, self.look))

        shown_at = -PROGRESS_EVERY_S

        def progress(curve: tuple[EpochRecord, ...]) -> None:
            nonlocal shown_at
            if time.monotonic() - shown_at >= PROGRESS_EVERY_S:
                folder.write_progress(proposal, curve)
                shown_at = time.monotonic()

        return estimator.estimate(proposal, seed=seed_of(self.search, proposal), progress=progress)


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
        device = choose_device(gpu=spec.resources.gpu, fallback=spec.resources.fallback, index=slot)
        seed = seed_from(f"{spec.seed}/retrain/{winner.architecture.id}")

        def progress(curve: tuple[EpochRecord, ...]) -> None:
            folder.write_progress(winner, curve)
            last = curve[-1]
            log.info("epoch %d of %d: validation accuracy %.4f", last.epoch, spec.retrain.epochs, last.val_accuracy)

        trained = retrain(
            dataset, self.search.space, winner.architecture, spec.retrain.training or spec.training,
            epochs=spec.retrain.epochs, device=device, seed=seed,
            checkpoints=StoredCheckpoints(folder), key=self.key, progress=progress,
        )  # fmt: skip
        about = self._about(winner)
        exports = export(trained.network, dataset.validation.images[:N_COMPARED].float() / 255, about)
        model = TrainedModel(
            winner.id, winner.architecture, spec.retrain.epochs, trained.best.epoch, trained.metrics, trained.curve,
            trained.curve[-1].seconds, seed, device.name, dataset.classes, dataset.input_shape, exports.agreement,
            trained.tested.confusion,
        )  # fmt: skip
        readable = orjson.dumps({**about, "metrics": trained.metrics}, option=orjson.OPT_INDENT_2)
        examples = orjson.dumps([example.to_dict() for example in trained.tested.examples])
        return model, {
            "architecture.json": readable,
            "examples.json": examples,
            "model.onnx": exports.onnx,
            "model.pt2": exports.pt2,
        }

    def _about(self, winner: Proposal) -> dict[str, Any]:
        """Say what the model is, for whoever finds it."""
        return {
            "search": self.search.name,
            "trial": winner.id,
            "architecture": winner.architecture.to_dict(),
            "notation": self.search.describe(winner.architecture),
            "decisions": self.search.space.assignment(winner.architecture),
            "classes": list(self.dataset.classes),
            "input_shape": list(self.dataset.input_shape),
            "input": "float32 images in [0, 1], (batch, channels, height, width)",
            "preprocessing": preprocessing(self.dataset.input_shape),
            "output": "logits, (batch, classes)",
        }
