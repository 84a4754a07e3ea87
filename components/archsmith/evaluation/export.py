"""Export of a trained network, for users who have neither Archsmith nor its search space: torch.export and ONNX.

Nothing in either runs code when it is loaded here. Both are loaded again and compared with the network before anyone sees them.
"""

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from archsmith.errors import ExportError
from archsmith.evaluation.pt2_archive import safe_copy

TOLERANCE = 1e-4
"""Largest difference of a logit that is taken for rounding, in times of the largest one where that is more than 1."""

MAX_BATCH = 2**31 - 1
"""Slices compare the size with the largest integer, which older versions of torch must know it is below."""

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


class _Exported(nn.Module):
    """A network out of an archive: in evaluation mode for good, as its batch normalisations are, whatever it is told.

    The module that torch makes of an archive raises for `eval()`, which everybody calls.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.training = False

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, n_classes)."""
        return self.network(images)  # type: ignore[no-any-return]

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002  torch's signature
        """Leave it as it is; its weights can be trained all the same."""
        return self


def export(network: nn.Module, samples: Tensor, metadata: Mapping[str, Any]) -> Exports:
    """Export `network` for batches of any size.

    Args:
        network: On the CPU; it is left in evaluation mode.
        samples: Images to compare on, (B, C, H, W), float32, in [0, 1], B >= 2. They are not put into the files.
        metadata: JSON to put into both files.

    Raises:
        ExportError: An exported model disagrees with the network by more than 1e-4, or 1e-4 of the largest logit.
    """
    model = _Classifier(network).eval()
    with _quiet():
        batch = {"images": {0: torch.export.Dim("batch", max=MAX_BATCH)}}
        program = torch.export.export(model, (torch.zeros_like(samples[:2]),), dynamic_shapes=batch, strict=False)
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


def open_pt2(model: bytes) -> tuple[nn.Module, dict[str, Any]]:
    """Load a .pt2 archive of ours.

    Returns:
        The network, (B, C, H, W) in [0, 1] -> logits, (B, n_classes), and the metadata.

    Raises:
        ExportError: It is damaged, was not exported by Archsmith, or holds code that loading would run.
    """
    try:
        found = {METADATA: ""}
        with _quiet():
            network = torch.export.load(io.BytesIO(safe_copy(model)), extra_files=found).module()
        return _Exported(network), json.loads(found[METADATA])
    except ExportError:
        raise
    except Exception as error:  # torch raises many kinds for a file that is no archive
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ExportError(f"This is no model exported by Archsmith, or it is damaged: {reason}") from error


def _difference(name: str, logits: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference, where it is that of rounding."""
    difference = float(np.abs(logits - expected).max())
    allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))  # the larger the numbers, the larger their last digit
    if not difference <= allowed:  # NaN is no agreement either
        raise ExportError(f"The {name} export differs from the trained model by {difference:.2g}, more than {allowed:.2g}.")
    return difference


def _pt2(program: torch.export.ExportedProgram, metadata: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    program._example_inputs = None  # they would be pickled; older versions of torch have no public way to drop them
    torch.export.save(program, buffer, extra_files={METADATA: json.dumps(metadata)})
    return buffer.getvalue()


def _onnx(program: torch.export.ExportedProgram, metadata: Mapping[str, Any]) -> bytes:
    if torch.__version__ < "2.9":  # its translation of batch normalisation does not fit onnxscript any more
        program = program.run_decompositions({torch.ops.aten._native_batch_norm_legit_no_training.default: _batch_norm})
    converted = torch.onnx.export(program, dynamo=True, verbose=False, input_names=["images"], output_names=["logits"])
    if converted is None:
        raise ExportError("torch.onnx.export returned nothing.")
    proto = converted.model_proto
    _name_batch(proto.graph)
    entry = proto.metadata_props.add()
    entry.key, entry.value = METADATA, json.dumps(metadata)
    return proto.SerializeToString()  # type: ignore[no-any-return]


def _name_batch(graph: Any) -> None:
    """Call the first axis of what goes in and comes out `batch`: torch makes up a name, another one in each version."""
    symbol = re.compile(rf"\b{re.escape(graph.input[0].type.tensor_type.shape.dim[0].dim_param)}\b")
    for value in (*graph.input, *graph.output, *graph.value_info):
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param:
                size.dim_param = symbol.sub("batch", size.dim_param)


def _batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor, variance: Tensor, _momentum: float, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise, (B, C, ...) -> (B, C, ...), by arithmetic; in evaluation the other two results are empty."""
    shape = (1, -1, *(1,) * (x.dim() - 2))
    scale = torch.rsqrt(variance + eps) if weight is None else weight * torch.rsqrt(variance + eps)
    shift = -mean * scale if bias is None else bias - mean * scale
    return x * scale.reshape(shape) + shift.reshape(shape), x.new_empty(0), x.new_empty(0)


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
