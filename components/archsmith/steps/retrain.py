"""The step that trains the winner in full, tests it once, and publishes it."""

import logging
from hashlib import sha256
from typing import Any

import orjson

from archsmith.search import Search
from archsmith.steps.estimate import StoredCheckpoints
from archsmith.steps.workers import divide
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture, EpochRecord, Proposal, Selection, TrainedModel, digest

log = logging.getLogger(__name__)

N_COMPARED = 64
"""Validation images on which the exports are compared with the network."""


def retrain(folder: SearchFolder, search: Search) -> TrainedModel | None:
    """Train the selected architecture and put model and exports into `best/`; return None where there is no winner.

    What was trained before for the same winner and the same settings stays as it is: the test images are touched once.
    """
    selection = Selection.from_dict(folder.read_json("selection.json"))
    if selection.winner is None:
        return None
    recipe = _recipe(search, selection.winner)
    done = folder.read_json("best/model.json")
    if done is not None and done["recipe"] == recipe:
        return TrainedModel.from_dict(done["model"])
    winner = next(t.proposal for t in folder.history() if t.id == selection.winner)
    model, files = _train(folder, search, winner, f"retrain-{recipe}")
    for name, content in files.items():
        folder.put(f"best/{name}", content)
    folder.write_json("best/model.json", {"recipe": recipe, "model": model.to_dict()})  # last: it says that the rest is there
    folder.delete_checkpoint(f"retrain-{recipe}")
    folder.clear_progress(winner.id)
    return model


def _recipe(search: Search, winner: str) -> str:
    """Return a short id of what is trained and how."""
    spec = search.spec
    how = (spec.retrain.training or spec.training).model_dump_json()
    return digest(f"{winner}/{spec.retrain.epochs}/{how}/{spec.seed}")


def _train(folder: SearchFolder, search: Search, winner: Proposal, key: str) -> tuple[TrainedModel, dict[str, bytes]]:
    import torch

    from archsmith.evaluation.device import choose_device
    from archsmith.evaluation.export import export
    from archsmith.evaluation.retrain import retrain as train_in_full
    from archsmith.steps.images import load_images

    spec, architecture = search.spec, winner.architecture
    torch.set_num_threads(divide(spec.resources, trials=1, gpus=0).threads)
    dataset = load_images(search)
    device = choose_device(gpu=spec.resources.gpu, fallback=spec.resources.fallback)
    seed = int.from_bytes(sha256(f"{spec.seed}/retrain/{architecture.id}".encode()).digest()[:4], "big")

    def progress(curve: tuple[EpochRecord, ...]) -> None:
        folder.write_progress(winner, curve)
        log.info("epoch %d of %d: validation accuracy %.4f", curve[-1].epoch, spec.retrain.epochs, curve[-1].val_accuracy)

    trained = train_in_full(
        dataset, search.space, architecture, spec.retrain.training or spec.training,
        epochs=spec.retrain.epochs, device=device, seed=seed,
        checkpoints=StoredCheckpoints(folder), key=key, progress=progress,
    )  # fmt: skip
    about = _about(search, architecture, dataset.classes, dataset.input_shape)
    exports = export(trained.network, dataset.validation.images[:N_COMPARED].float() / 255, about)
    model = TrainedModel(
        winner.id, architecture, spec.retrain.epochs, trained.best.epoch, trained.metrics, trained.curve,
        trained.curve[-1].seconds, seed, device.name, dataset.classes, dataset.input_shape, exports.agreement,
    )  # fmt: skip
    files = {
        "architecture.json": orjson.dumps({**about, "metrics": trained.metrics}, option=orjson.OPT_INDENT_2),
        "model.onnx": exports.onnx,
        "model.pt2": exports.pt2,
    }
    return model, files


def _about(
    search: Search, architecture: Architecture, classes: tuple[str, ...], input_shape: tuple[int, int, int]
) -> dict[str, Any]:
    """Say what a model is, for whoever finds it."""
    return {
        "search": search.name,
        "architecture": {"id": architecture.id, **architecture.to_dict()},
        "decisions": search.space.assignment(architecture),
        "classes": list(classes),
        "input_shape": list(input_shape),
        "input": "float32 images in [0, 1], (batch, channels, height, width)",
        "output": "logits, (batch, classes)",
    }
