"""What `torch.save` wrote, read without running it; the oracle is torch."""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archsmith.errors import ExportError
from archsmith.evaluation.plain_tensors import read_tensors


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def repacked(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the pickle in what was saved."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as read, zipfile.ZipFile(buffer, "w") as written:
        for name in read.namelist():
            written.writestr(name, change(read.read(name)) if name.endswith("data.pkl") else read.read(name))
    return buffer.getvalue()


TENSORS: dict[str, Tensor] = {
    "weight": nn.Parameter(torch.arange(12.0).reshape(3, 4)),
    "frozen": nn.Parameter(torch.ones(2), requires_grad=False),
    "count": torch.tensor(7),
    "half": torch.ones(2, 2, dtype=torch.float16),
    "brain": torch.ones(3, dtype=torch.bfloat16),
    "mask": torch.tensor([True, False]),
    "turned": torch.arange(6.0).reshape(2, 3).T,
    "part": torch.arange(10.0)[3:5],
    "channels_last": torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last),
    "empty": torch.empty(0, 3),
}


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_tensors_come_back_as_torch_saved_them(kind: Callable[..., Any]) -> None:
    found = read_tensors(saved(kind(TENSORS)))
    assert list(found) == list(TENSORS)
    for name, tensor in TENSORS.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0, check_stride=True)
        assert isinstance(found[name], nn.Parameter) == isinstance(tensor, nn.Parameter)


def test_the_state_of_a_network_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    found = read_tensors(saved(dict(network.state_dict())))
    torch.testing.assert_close(found, dict(network.state_dict()))


class Evil:
    """Runs code when it is unpickled."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Evil(print, "this code ran"), "a pickled __builtin__.print"),
        ({"weight": Evil(eval, "print('this code ran')")}, "a pickled __builtin__.eval"),
        ({"weight": Evil(torch.hub.load, "a", "b")}, "a pickled torch.hub.load"),
        ({"weight": nn.Linear(2, 2)}, "a pickle that does"),
        ({"weight": torch.device("cpu")}, "a pickled torch.device"),
    ],
    ids=["call", "call in a mapping", "call of torch", "module", "object of torch"],
)
def test_a_pickle_of_anything_else_is_refused_and_not_run(value: Any, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExportError, match=said):
        read_tensors(saved(value))
    assert "this code ran" not in capsys.readouterr().out


def test_an_instruction_that_sets_attributes_is_refused() -> None:
    built = b"\x80\x02}(X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00bK\x01sbu."
    with pytest.raises(ExportError, match="does BUILD"):
        read_tensors(repacked(saved({}), lambda _: built))


def test_newer_protocols_are_refused_with_what_they_do() -> None:
    with pytest.raises(ExportError, match="does MEMOIZE"):
        read_tensors(repacked(saved({}), lambda _: pickle.dumps({}, protocol=4)))


@pytest.mark.parametrize("size", [100, -3])
def test_a_tensor_that_is_larger_than_its_data_is_refused(size: int) -> None:
    content = saved({"weight": torch.ones(77)})
    changed = repacked(
        content, lambda pickled: pickled.replace(b"K\x4d\x85", b"J" + size.to_bytes(4, "little", signed=True) + b"\x85")
    )
    assert changed != repacked(content, lambda pickled: pickled)
    with pytest.raises(RuntimeError):
        read_tensors(changed)


def test_a_small_file_that_would_fill_the_memory_is_refused_before_it_is_unpacked() -> None:
    buffer, large = io.BytesIO(), io.BytesIO(saved({"a": torch.zeros(250_000)}))
    with zipfile.ZipFile(large) as read, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
        for name in read.namelist():
            written.writestr(name, read.read(name))
    assert len(buffer.getvalue()) < 10_000
    with pytest.raises(ExportError, match=r"takes 1,000,\d{3} bytes out of \d,\d{3}, which"):
        read_tensors(buffer.getvalue())
