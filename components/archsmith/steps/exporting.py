"""A network that was trained in full, as files: exported, and described for whoever finds it."""

from collections.abc import Mapping
from typing import Any

import orjson

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.export import export
from archsmith.evaluation.preprocessing import preprocessing
from archsmith.evaluation.retrain import Retrained
from archsmith.stores.references import TESTED, bytes_of_known

N_COMPARED = 64
"""Validation images on which the exports are compared with the network."""


def exported(
    trained: Retrained, dataset: Dataset, about: Mapping[str, Any], readable: str
) -> tuple[dict[str, bytes], Mapping[str, float]]:
    """Export a network; return the files of its folder by name, and by how much each export differs from it.

    Args:
        trained: The network, and what it reaches.
        dataset: The images that it was trained on.
        about: What it is, and where it comes from; what goes in and comes out is added.
        readable: Name of the file that says all of that.
    """
    told = {
        **about,
        "classes": list(dataset.classes),
        "input_shape": list(dataset.input_shape),
        "input": "float32 images in [0, 1], (batch, channels, height, width)",
        "preprocessing": preprocessing(dataset.input_shape),
        "output": "logits, (batch, classes)",
    }
    exports = export(trained.network, dataset.validation.images[:N_COMPARED].float() / 255, told)
    return {
        readable: orjson.dumps({**told, "metrics": trained.metrics}, option=orjson.OPT_INDENT_2),
        TESTED: bytes_of_known(trained.tested.known),
        "model.onnx": exports.onnx,
        "model.pt2": exports.pt2,
    }, exports.agreement
