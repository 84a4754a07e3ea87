"""Two exported models on the same test images."""

import torch

from archsmith.errors import ExportError
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.exported import open_model
from archsmith.values.promotion import Paired

BATCH = 256
"""Images that are classified at a time."""


def compare(new: bytes, old: bytes, dataset: Dataset) -> Paired | str:
    """Hold two models to the test images; return how they compare, or a clause that says why they can't be.

    Args:
        new: A model of ours, ONNX or .pt2, of this data set.
        old: Another one, which may be of other classes, or take other images.
        dataset: Its test images are looked at, on the CPU.

    Raises:
        ExportError: The new model is damaged.
    """
    knows = known(new, dataset)
    if isinstance(knows, str):
        return f"the new one {knows}"
    try:
        knew = known(old, dataset)
    except ExportError as error:
        return f"it can't be loaded ({str(error).rstrip('.')})"
    return f"it {knew}" if isinstance(knew, str) else Paired.of(knows, knew)


@torch.inference_mode()
def known(model: bytes, dataset: Dataset) -> list[bool] | str:
    """Tell of each test image whether a model knows it; or say, as what follows its name, why it can't be asked.

    Raises:
        ExportError: The model is damaged, or none of ours.
    """
    network, about = open_model(model)
    if tuple(about["classes"]) != dataset.classes:
        return f"tells apart {_listed(about['classes'])}, and these images are of {_listed(dataset.classes)}"
    if tuple(about["input_shape"]) != dataset.input_shape:
        return f"takes images of {tuple(about['input_shape'])}, and these are of {dataset.input_shape}"
    images, labels = dataset.test.images, dataset.test.labels
    found = [network(images[k : k + BATCH].float() / 255).argmax(1) for k in range(0, len(images), BATCH)]
    return [bool(right) for right in torch.cat(found) == labels]


def _listed(classes: tuple[str, ...] | list[str]) -> str:
    """Return classes for a sentence; many are cut."""
    return f"{len(classes)} classes ({', '.join(classes[:5])}{', …' if len(classes) > 5 else ''})"
