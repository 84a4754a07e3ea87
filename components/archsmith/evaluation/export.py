"""Export of a trained network, for users who have neither Archsmith nor its search space: torch.export and ONNX.

Neither format holds pickled code. Both are loaded again and compared with the network before anyone sees them.
"""

import io
import json
import logging
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

PLAIN = re.compile(
    r"[^/]+/(models/model\.json|extra/archsmith\.json|archive_\w+|byteorder|\.\w+(/\w+)?"
    r"|data/(weights|constants)/((weight|tensor)_\d+|\w+_config\.json))"
)
"""Members of a .pt2 archive that are numbers, JSON or marks of the format."""


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
        network: On the CPU; it is left in evaluation mode.
        samples: Images to compare on, (B, C, H, W), float32, in [0, 1], B >= 2. They are not put into the files.
        metadata: JSON to put into both files.

    Raises:
        ExportError: An exported model disagrees with the network by more than 1e-4.
    """
    model = _Classifier(network).eval()
    with _quiet():
        batch = {"images": {0: torch.export.Dim("batch")}}
        program = torch.export.export(model, (torch.zeros_like(samples[:2]),), dynamic_shapes=batch)
        onnx = _onnx(program, metadata)
        pt2 = _pt2(program, metadata)
    with torch.inference_mode():
        expected = model(samples).numpy()
    agreement = {
        "pt2": _difference("pt2", predict_pt2(pt2, samples), expected),
        "onnx": _difference("onnx", predict_onnx(onnx, samples), expected),
    }
    return Exports(pt2, onnx, agreement)


def predict_pt2(model: bytes, images: Tensor) -> np.ndarray:
    """Return the logits, (B, n_classes), of a .pt2 archive; raises `ExportError` as `open_pt2` does."""
    network, _ = open_pt2(model)
    with torch.inference_mode():
        return network(images).numpy()  # type: ignore[no-any-return]


def predict_onnx(model: bytes, images: Tensor) -> np.ndarray:
    """Return the logits, (B, n_classes), of an ONNX model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of shapes that it infers in another way than torch
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"images": images.numpy()})[0]  # type: ignore[no-any-return]


def read_metadata(model: bytes) -> dict[str, Any]:
    """Return what was put into a .pt2 archive; raises `ExportError` as `open_pt2` does."""
    return open_pt2(model)[1]


def open_pt2(model: bytes) -> tuple[nn.Module, dict[str, Any]]:
    """Load a .pt2 archive of ours.

    Returns:
        The network, (B, C, H, W) in [0, 1] -> logits, (B, n_classes), and the metadata.

    Raises:
        ExportError: It is damaged, was not exported by Archsmith, or holds code that loading would run.
    """
    try:
        _refuse_code(model)
        found = {METADATA: ""}
        with _quiet():
            network = torch.export.load(io.BytesIO(model), extra_files=found).module()
        return network, json.loads(found[METADATA])
    except ExportError:
        raise
    except Exception as error:  # torch raises many kinds for a file that is no archive
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ExportError(f"This is no model exported by Archsmith, or it is damaged: {reason}") from error


def _refuse_code(model: bytes) -> None:
    """Refuse an archive that has more than numbers and JSON: torch would unpickle it, and so run what is in it."""
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        for member in archive.infolist():
            if member.file_size and not PLAIN.fullmatch(member.filename):
                raise ExportError(f"The model holds {member.filename!r}, which no model exported by Archsmith does.")
            if member.filename.endswith("_config.json") and _has_pickles(json.loads(archive.read(member))):
                raise ExportError("The model holds pickled weights, which no model exported by Archsmith does.")


def _has_pickles(payloads: Mapping[str, Any]) -> bool:
    return any(payload["use_pickle"] for payload in payloads["config"].values())


def _difference(name: str, logits: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference, where it is that of rounding."""
    difference = float(np.abs(logits - expected).max())
    if not difference <= TOLERANCE:  # NaN is no agreement either
        raise ExportError(f"The {name} export differs from the trained model by {difference:.2g}, more than {TOLERANCE:g}.")
    return difference


def _pt2(program: torch.export.ExportedProgram, metadata: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    program.example_inputs = None  # they would be pickled
    torch.export.save(program, buffer, extra_files={METADATA: json.dumps(metadata)})
    return buffer.getvalue()


def _onnx(program: torch.export.ExportedProgram, metadata: Mapping[str, Any]) -> bytes:
    converted = torch.onnx.export(program, dynamo=True, verbose=False, input_names=["images"], output_names=["logits"])
    if converted is None:
        raise ExportError("torch.onnx.export returned nothing.")
    proto = converted.model_proto
    entry = proto.metadata_props.add()
    entry.key, entry.value = METADATA, json.dumps(metadata)
    return proto.SerializeToString()  # type: ignore[no-any-return]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep out of the log what the exporters say of their progress and of their own deprecations."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
