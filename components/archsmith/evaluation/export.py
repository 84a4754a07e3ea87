"""Export of a trained network, for users who have neither Archsmith nor its search space: torch.export and ONNX.

Neither format holds pickled code. Both are loaded again and compared with the network before anyone sees them.
"""

import io
import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from archsmith.errors import ExportError

TOLERANCE = 1e-4
"""Largest absolute difference of a logit that is taken for rounding."""

METADATA = "archsmith.json"
"""The file inside a .pt2 archive, and the key in an ONNX model's metadata, that hold classes and shapes."""


@dataclass(frozen=True, slots=True)
class Exports:
    """The exported models."""

    pt2: bytes
    """For `torch.export.load`."""
    onnx: bytes
    """For onnxruntime and many other tools."""
    agreement: Mapping[str, float]
    """Largest absolute difference of a logit, by format."""


class _Classifier(nn.Module):
    """Gives the input its name in the exported signature."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, n_classes)."""
        return self.network(images)  # type: ignore[no-any-return]


def export(network: nn.Module, samples: Tensor, metadata: Mapping[str, Any]) -> Exports:
    """Export `network` for batches of any size.

    Args:
        network: On the CPU.
        samples: Images to compare on, (B, C, H, W) in [0, 1], float32, B >= 2.
        metadata: JSON to put into both files.

    Raises:
        ExportError: An exported model disagrees with the network by more than 1e-4.
    """
    model = _Classifier(network).eval()
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")  # exporters announce their own deprecations
        program = torch.export.export(model, (samples[:2],), dynamic_shapes={"images": {0: torch.export.Dim("batch")}})
        pt2 = _pt2(program, metadata)
        onnx = _onnx(program, samples[:2], metadata)
    with torch.inference_mode():
        expected = model(samples).numpy()
    agreement = {
        "pt2": float(np.abs(predict_pt2(pt2, samples) - expected).max()),
        "onnx": float(np.abs(predict_onnx(onnx, samples) - expected).max()),
    }
    for name, difference in agreement.items():
        if not difference <= TOLERANCE:
            raise ExportError(f"The {name} export differs from the trained model by {difference:.2g}, more than {TOLERANCE}.")
    return Exports(pt2, onnx, agreement)


def predict_pt2(model: bytes, images: Tensor) -> np.ndarray:
    """Return the logits, (B, n_classes), of a .pt2 archive."""
    program = torch.export.load(io.BytesIO(model))
    with torch.inference_mode():
        return program.module()(images).numpy()  # type: ignore[no-any-return]


def predict_onnx(model: bytes, images: Tensor) -> np.ndarray:
    """Return the logits, (B, n_classes), of an ONNX model."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images.numpy()})[0]  # type: ignore[no-any-return]


def read_metadata(model: bytes) -> dict[str, Any]:
    """Return what was put into a .pt2 archive; raises `ExportError` where it is not one of ours."""
    files = {METADATA: ""}
    try:
        torch.export.load(io.BytesIO(model), extra_files=files)
        found: dict[str, Any] = json.loads(files[METADATA])
    except Exception as error:  # torch raises many kinds for a file that is no archive
        raise ExportError(f"This is not a model exported by Archsmith: {error}") from error
    return found


def _pt2(program: torch.export.ExportedProgram, metadata: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={METADATA: json.dumps(metadata)})
    return buffer.getvalue()


def _onnx(program: torch.export.ExportedProgram, example: Tensor, metadata: Mapping[str, Any]) -> bytes:
    converted = torch.onnx.export(
        program, (example,), dynamo=True, verbose=False,
        input_names=["images"], output_names=["logits"],
    )  # fmt: skip
    if converted is None:
        raise ExportError("torch.onnx.export returned nothing.")
    proto = converted.model_proto
    entry = proto.metadata_props.add()
    entry.key, entry.value = METADATA, json.dumps(metadata)
    return proto.SerializeToString()  # type: ignore[no-any-return]


class _quiet:
    """Keeps the exporters' progress out of the log."""

    def __enter__(self) -> None:
        self._level = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._level)
