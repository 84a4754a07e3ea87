"""How the exported model is used, in code that can be copied."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from archsmith.report.data import ReportData
from archsmith.values.outcome import TrainedModel

_LINE_CHARACTERS = 76


@dataclass(frozen=True, slots=True)
class Snippet:
    """Some code and what it does."""

    title: str
    """What it does."""
    code: str
    """What to copy."""


def snippets(data: ReportData) -> Sequence[Snippet]:
    """Return how to load each of the exports that there are, with their real places and shapes."""
    if data.model is None:
        return []
    found = []
    if "model" in data.places:
        path = local(data.places["model"])
        found.append(Snippet("On the command line", f"archsmith predict {shlex.quote(path)} image.png"))
        found.append(Snippet("In Python, with torch", _torch(path, data.model)))
    if "onnx" in data.places:
        found.append(Snippet("In Python, with onnxruntime", _onnx(local(data.places["onnx"]), data.model)))
    return found


def remote(data: ReportData) -> list[str]:
    """Return the URIs of exports that must be fetched from a store before they can be loaded."""
    return [uri for what, uri in data.places.items() if what in {"model", "onnx"} and _is_remote(uri)]


def local(uri: str) -> str:
    """Return the path of a file: that of the URI where it is on this machine, or else its name."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return unquote(parts.path)
    return PurePosixPath(parts.path).name if _is_remote(uri) else uri


def _is_remote(uri: str) -> bool:
    return "://" in uri and not uri.startswith("file:")


def _reading(model: TrainedModel) -> str:
    """Write how an image file is read; only grey and coloured ones come from files."""
    channels, height, width = model.input_shape
    if channels not in (1, 3):
        return f"""import numpy as np

images = np.random.rand(1, {channels}, {height}, {width}).astype(np.float32)  # (batch, channels, height, width), in [0, 1]
"""
    mode = "L" if channels == 1 else "RGB"
    return f"""import io

import numpy as np
from PIL import Image, ImageCms, ImageOps

image = ImageOps.exif_transpose(Image.open("image.png"))
if image.mode.startswith("I"):  # 16 bits, of which 8 are read
    image = Image.fromarray(((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8))
profile, is_grey = image.info.get("icc_profile"), image.mode in ("1", "L", "LA")
image = image if image.mode == "CMYK" else image.convert("RGBA")
if profile and not is_grey:  # its colours, in sRGB
    mode = "RGB" if image.mode == "CMYK" else "RGBA"
    image = ImageCms.profileToProfile(image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode=mode)
image = image.convert("RGBA")
image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert({mode!r})
image = image.resize(({width}, {height}), Image.Resampling.BILINEAR)
images = np.asarray(image, np.float32).reshape(1, {height}, {width}, {channels}).transpose(0, 3, 1, 2) / 255
# (1, {channels}, {height}, {width}): batch, channels, height, width; values in [0, 1]
"""


def _torch(path: str, model: TrainedModel) -> str:
    return f"""{_reading(model)}
import torch

model = torch.export.load({path!r}).module()
with torch.no_grad():
    logits = model(torch.from_numpy(images)).numpy()  # (batch, {len(model.classes)})
classes = {_classes(model)}
print([classes[i] for i in logits.argmax(1)])"""


def _onnx(path: str, model: TrainedModel) -> str:
    return f"""{_reading(model)}
import onnxruntime

session = onnxruntime.InferenceSession({path!r})
(logits,) = session.run(None, {{"images": images}})  # (batch, {len(model.classes)})
classes = {_classes(model)}
print([classes[i] for i in logits.argmax(1)])"""


def _classes(model: TrainedModel) -> str:
    """Write the names of the classes as Python, in lines of a readable length."""
    lines = [""]
    for name in map(repr, model.classes):
        if lines[-1] and len(lines[-1]) + len(name) > _LINE_CHARACTERS:
            lines.append("")
        lines[-1] += f"{name}, "
    return "[" + "\n    ".join(["", *(line.rstrip() for line in lines)]) + "\n]"
