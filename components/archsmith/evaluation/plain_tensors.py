"""Tensors by name out of what `torch.save` wrote, without running anything in it.

A pickle is a program. This one may only make a mapping of tensors: its instructions and the names that it may call are listed
here, and a name stands for a function of ours that builds a value. `torch.load(weights_only=True)` does the same in its own way,
but before torch 2.10 it believes what the file says of a tensor's memory.
"""

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from archsmith.errors import ExportError

OPCODES = frozenset(
    {
        *("PROTO", "STOP", "MARK", "REDUCE", "GLOBAL", "BINPERSID", "NONE", "NEWTRUE", "NEWFALSE"),
        *("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "EMPTY_DICT", "SETITEM", "SETITEMS"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"),
    }
)
"""All that `torch.save` needs for a mapping of tensors; none of them sets an attribute."""

STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "BoolStorage": torch.bool,
}


class _Plain(NamedTuple):
    """What a file says of a tensor."""

    storage: tuple[str, str]
    """Its type, one of STORAGES, and the name of its member."""
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    is_parameter: bool = False


def _tensor(storage: tuple[str, str], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> _Plain:
    return _Plain(storage, offset, size, stride)


def _parameter(data: _Plain, *_: Any) -> _Plain:
    return data._replace(is_parameter=True)


CALLED = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "collections.OrderedDict": OrderedDict,
}


def read_tensors(content: bytes) -> dict[str, Tensor]:
    """Return the tensors of a file that `torch.save` wrote.

    Raises:
        ExportError: It is a pickle of anything else.
        Exception: It is damaged, in one of many ways.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        refuse_inflated(archive, len(content))
        root = archive.namelist()[0].partition("/")[0]
        if archive.read(f"{root}/byteorder") != b"little":
            raise ExportError("The model was written on a big-endian machine, whose numbers are not read here.")
        found = _Reader(archive.read(f"{root}/data.pkl")).load()
        return {str(name): _build(plain, archive.read(f"{root}/data/{plain.storage[1]}")) for name, plain in found.items()}


def refuse_inflated(archive: zipfile.ZipFile, size: int) -> None:
    """Refuse an archive of `size` bytes whose members take more than it does: torch compresses none, and lets none overlap.

    Raises:
        ExportError: They do, so that a small file may fill the memory.
    """
    if (needed := sum(member.file_size for member in archive.infolist())) > size:
        raise ExportError(
            f"The model takes {needed:,} bytes out of {size:,}, which no model exported by Archsmith does: its weights are not "
            "compressed."
        )


class _Reader(pickle.Unpickler):
    """Makes mappings and `_Plain`s, and nothing else."""

    def __init__(self, pickled: bytes) -> None:
        for opcode, _, _ in pickletools.genops(pickled):
            if opcode.name not in OPCODES:
                raise ExportError(f"The model holds a pickle that does {opcode.name}, which no model exported by Archsmith does.")
        super().__init__(io.BytesIO(pickled))

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name."""
        if module == "torch" and name in STORAGES:
            return name
        if f"{module}.{name}" not in CALLED:
            raise ExportError(f"The model holds a pickled {module}.{name}, which no model exported by Archsmith does.")
        return CALLED[f"{module}.{name}"]

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        """Return the type of a storage and the name of its member."""
        _, kind, key, *_ = pid
        return kind, key


def _build(plain: _Plain, data: bytes) -> Tensor:
    dtype = STORAGES[plain.storage[0]]
    flat = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
    tensor = flat.as_strided(plain.size, plain.stride, plain.offset)  # refuses what lies beyond the data
    return nn.Parameter(tensor, requires_grad=tensor.is_floating_point()) if plain.is_parameter else tensor
