"""Exported models, opened again: what both formats have in common. Nothing in a file is run, whoever wrote it."""

import json
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from archsmith.errors import ExportError
from archsmith.evaluation.export import METADATA, open_pt2

ZIP = b"PK"
"""How a .pt2 archive begins."""


class OnnxNetwork(nn.Module):
    """An ONNX model on the CPU, by onnxruntime, to be called as a network of torch.

    Args:
        model: The file.

    Raises:
        ExportError: It is damaged, keeps its weights in other files, or was not exported by Archsmith.
    """

    def __init__(self, model: bytes) -> None:
        super().__init__()
        import onnx
        import onnxruntime

        try:
            # Weights in other files would be read from wherever the model says.
            proto = onnx.load_from_string(model)
            if any(tensor.external_data or tensor.data_location for tensor in _tensors(proto)):
                raise ExportError("The ONNX model keeps its weights in other files, which are not read; put them into the model.")
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            self.about: dict[str, Any] = json.loads(self._session.get_modelmeta().custom_metadata_map[METADATA])
        except KeyError:
            raise ExportError(
                "This ONNX model was not exported by Archsmith, or has lost its metadata: nothing in it says what its classes "
                "are, and how large its images."
            ) from None
        except ExportError:
            raise
        except Exception as error:  # onnxruntime has kinds of its own for what it does not take
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ExportError(f"This is no model exported by Archsmith, or it is damaged: {reason}") from error

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W), float32 in [0, 1] -> logits, (B, n_classes)."""
        try:
            return torch.from_numpy(self._session.run(None, {"images": images.numpy()})[0])
        except Exception as error:  # it takes another input than it says, say
            raise ExportError(f"The ONNX model can't be run: {str(error).splitlines()[0]}") from error


def _tensors(message: Any) -> Iterator[Any]:
    """Yield all tensors of a model: weights, constants, and those of functions and of the branches of conditions."""
    import onnx
    from google.protobuf.message import Message

    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in [value] if isinstance(value, Message) else value:
                yield from _tensors(each)


def open_model(model: bytes) -> tuple[nn.Module, dict[str, Any]]:
    """Open a .pt2 archive or an ONNX model of ours.

    Returns:
        The network, (B, C, H, W) in [0, 1] -> logits, (B, n_classes), and the metadata.

    Raises:
        ExportError: It is neither, or is damaged.
    """
    if model.startswith(ZIP):
        network, about = open_pt2(model)
    else:
        network = OnnxNetwork(model)
        about = network.about
    return network, _checked(about)


def _checked(about: Any) -> dict[str, Any]:
    """Return the metadata if they say what a prediction needs."""
    try:
        shape, classes = about["input_shape"], about["classes"]
        if len(shape) == 3 and all(type(size) is int and size > 0 for size in shape) and all(isinstance(c, str) for c in classes):
            return dict(about)
    except (TypeError, KeyError):
        pass
    raise ExportError("The model's metadata do not say what its classes are, and how large its images; export it again.")
