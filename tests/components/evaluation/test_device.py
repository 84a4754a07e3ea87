from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import nn

from archsmith.errors import PermanentError
from archsmith.evaluation.device import Device, choose_device, to_cpu

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


def test_nobody_who_asks_for_no_gpu_gets_one() -> None:
    assert choose_device(gpu=0, fallback="none") == Device(torch.device("cpu"), "cpu")


@NO_GPU
def test_where_there_is_no_gpu_the_cpu_is_the_fallback() -> None:
    assert choose_device(gpu=2, fallback="cpu").name == "cpu"
    with pytest.raises(PermanentError) as caught:
        choose_device(gpu=2, fallback="none")
    assert str(caught.value) == ("`resources.gpu` is 2, but torch finds no GPU; set `resources.fallback: cpu` to go on without.")


@GPU
def test_where_there_are_gpus_the_workers_share_them() -> None:
    n = torch.cuda.device_count()
    assert [choose_device(gpu=1, fallback="none", index=i).target.index for i in range(n + 1)] == [*range(n), 0]
    assert choose_device(gpu=1, fallback="cpu").name == torch.cuda.get_device_name(0)


def test_networks_are_placed_in_the_format_that_convolutions_like(cpu: Device) -> None:
    network = cpu.place(nn.Sequential(nn.Conv2d(4, 8, 3), nn.Conv2d(8, 8, 3)))
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in network.parameters() if p.ndim == 4)


@pytest.mark.parametrize(("precision", "dtype"), [("auto", torch.float32), ("float32", torch.float32), ("mixed", torch.bfloat16)])
def test_a_cpu_mixes_precisions_only_where_it_is_told_to(cpu: Device, precision: Any, dtype: torch.dtype) -> None:
    x = torch.rand(2, 3)
    with cpu.autocast(precision):
        assert nn.Linear(3, 2)(x).dtype == dtype
    assert cpu.is_mixed(precision) == (dtype == torch.bfloat16)


def test_bfloat16_needs_no_scaled_loss(cpu: Device) -> None:
    assert not cpu.scaler("mixed").is_enabled()
    loss = torch.tensor(3.0)
    assert cpu.scaler("mixed").scale(loss) is loss


def test_a_copied_state_is_not_changed_by_what_happens_to_the_original() -> None:
    tensor = torch.zeros(2)
    state = {"a": [tensor, (tensor, 1)], "b": OrderedDict(c=tensor), "d": "text", "e": None}
    copied = to_cpu(state)
    tensor.add_(1)
    assert copied["a"][0].tolist() == copied["a"][1][0].tolist() == copied["b"]["c"].tolist() == [0, 0]
    assert (copied["a"][1][1], copied["d"], copied["e"]) == (1, "text", None)
    assert isinstance(copied["a"][1], tuple)
