"""A .pt2 archive from anywhere, made safe for `torch.export.load`, which trusts what it loads.

What is loaded is a copy: only known members, the graph with nothing in it that torch would run, and weights that are numbers.
torch 2.9 and newer write numbers; older ones write pickles, which are read as `plain_tensors` does and written anew.
"""

import io
import json
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import torch

from archsmith.errors import ExportError
from archsmith.evaluation.exported_graph import checked_graph
from archsmith.evaluation.plain_tensors import read_tensors, refuse_inflated

GRAPH = re.compile(r"[^/]+/models/model\.json|serialized_exported_program\.json")
WEIGHTS = re.compile(r"[^/]+/data/(weights|constants)/\w+_config\.json")
PICKLED = re.compile(r"serialized_(state_dict|constants)\.pt|[^/]+/data/(weights|constants)/model\.pt")
PLAIN = re.compile(
    r"[^/]+/(extra/archsmith\.json|archive_\w+|byteorder|\.\w+(/\w+)?|data/(weights|constants)/(weight|tensor)_\d+)"
    r"|extra_files/archsmith\.json|version"
)
"""Members that are numbers, JSON of ours, or marks of the format."""


def safe_copy(model: bytes) -> bytes:
    """Copy an archive of either layout; what is in the copy runs nothing when it is loaded.

    Raises:
        ExportError: It holds what no model exported by Archsmith does, or was exported by a torch that is too new for this one.
        Exception: It is damaged, in one of many ways.
    """
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(model)) as archive, zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as written:
        refuse_inflated(archive, len(model))
        members = {member.filename: member for member in archive.infolist()}
        if torch.__version__ < "2.8" and "version" not in members:
            hint = "Install a newer one, or use the ONNX export."
            raise ExportError(
                f"This is no model that torch {torch.__version__} can read: those of torch 2.8 and newer differ. {hint}"
            )
        for name, member in members.items():
            written.writestr(name, _checked(name, archive.read(member)))
    return copy.getvalue()


def _checked(name: str, content: bytes) -> bytes:
    if not content or PLAIN.fullmatch(name):
        return content
    if GRAPH.fullmatch(name):
        return checked_graph(content)
    if PICKLED.fullmatch(name):
        return _repickled(content)
    if WEIGHTS.fullmatch(name):
        if _has_pickles(json.loads(content)):
            raise ExportError("The model holds pickled weights, which no model exported by Archsmith does.")
        return content
    raise ExportError(f"The model holds {name!r}, which no model exported by Archsmith does.")


def _has_pickles(payloads: Mapping[str, Any]) -> bool:
    return any(payload["use_pickle"] for payload in payloads["config"].values())


def _repickled(content: bytes) -> bytes:
    buffer = io.BytesIO()
    torch.save(read_tensors(content), buffer)
    return buffer.getvalue()
