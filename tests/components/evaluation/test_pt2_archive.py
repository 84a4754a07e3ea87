"""Archives of both layouts: what torch before 2.8 wrote, and what it writes since."""

import io
import json
import zipfile
from typing import Any

import pytest
import torch

from archsmith.errors import ExportError
from archsmith.evaluation.pt2_archive import safe_copy

OLD_TORCH = torch.__version__ < "2.8"


def packed(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unpacked(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


OLD = {
    "serialized_exported_program.json": b'{"name": "linear"}',
    "serialized_state_dict.pt": saved({"weight": torch.ones(2)}),
    "serialized_constants.pt": saved({}),
    "serialized_example_inputs.pt": b"",
    "version": b"8.2",
    "extra_files/archsmith.json": b'{"classes": ["a b"]}',
}


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this code ran",)


def test_an_archive_of_the_old_layout_keeps_its_graph_weights_and_metadata() -> None:
    copy = unpacked(safe_copy(packed(OLD)))
    assert list(copy) == list(OLD)
    assert json.loads(copy["serialized_exported_program.json"]) == {"name": "linear"}
    torch.testing.assert_close(torch.load(io.BytesIO(copy["serialized_state_dict.pt"])), {"weight": torch.ones(2)})
    assert copy["extra_files/archsmith.json"] == OLD["extra_files/archsmith.json"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("serialized_state_dict.pt", saved(Evil())),
        ("serialized_constants.pt", saved({"a": Evil()})),
        ("serialized_example_inputs.pt", saved(((), {}))),
        ("serialized_state_dict.json", b"{}"),
        ("serialized_exported_program.json", b'{"expr_str": "print()"}'),
        ("extra_files/other.json", b"{}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_tampered_archive_of_the_old_layout_is_refused(name: str, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExportError, match="which no model exported by Archsmith does"):
        safe_copy(packed({**OLD, name: content}))
    assert "this code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["m/data/weights/weight_0", "m/data/sample_inputs/model.pt", "serialized_state_dict.pt"])
def test_a_small_archive_that_would_fill_the_memory_is_refused_before_it_is_unpacked(name: str) -> None:
    large = packed({**OLD, name: bytes(1_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(large) < 10_000
    with pytest.raises(ExportError, match=r"takes 1,00\d,\d{3} bytes out of \d,\d{3}, which no model exported by Archsmith does"):
        safe_copy(large)


def test_of_two_members_of_one_name_only_one_is_in_the_copy() -> None:
    """Else one reader would check the first, and another load the second."""
    buffer = io.BytesIO(packed(OLD))
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("serialized_state_dict.pt", saved({"weight": torch.zeros(2)}))
    with zipfile.ZipFile(io.BytesIO(safe_copy(buffer.getvalue()))) as copy:
        assert len(copy.namelist()) == len(set(copy.namelist())) == len(OLD)


@pytest.mark.skipif(not OLD_TORCH, reason="this torch reads both layouts")
def test_an_archive_of_a_newer_torch_is_refused_with_a_hint() -> None:
    with pytest.raises(ExportError, match=r"2\.8 and newer differ\. Install a newer one, or use the ONNX export"):
        safe_copy(packed({"archive/models/model.json": b"{}"}))
