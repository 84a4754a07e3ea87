"""Partial channels, against the published code of PC-DARTS written out again."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.errors import UnbuildableError
from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mix
from archsmith.models.mixed.partial import PartialMixture
from archsmith.spaces.cells.cell import CellConfig
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.values import Fidelity

ONCE = Fidelity(epochs=1)


def published(x: Tensor, weights: Tensor, ops: list[nn.Module], k: int) -> Tensor:
    """`MixedOp` and `channel_shuffle` of its code, for any k."""
    c = x.shape[1] // k
    mixed = sum(w * op(x[:, :c]) for w, op in zip(weights, ops, strict=True))
    assert isinstance(mixed, Tensor)
    passed = x[:, c:] if mixed.shape[2] == x.shape[2] else F.max_pool2d(x[:, c:], 2, 2)
    y = torch.cat([mixed, passed], 1)
    b, channels, h, w_ = y.shape
    return y.view(b, k, channels // k, h, w_).transpose(1, 2).contiguous().view(b, -1, h, w_)


@pytest.mark.parametrize(("k", "stride"), [(2, 1), (4, 2)])
def test_it_is_that_of_the_published_code(k, stride):
    ops = [nn.MaxPool2d(3, stride, 1), nn.Conv2d(8 // k, 8 // k, 1, stride)]
    x, weights = torch.randn(2, 8, 6, 6), torch.tensor([0.3, 0.7])
    mixture = PartialMixture("point", {"pool": ops[0], "conv": ops[1]}, k, stride)
    torch.testing.assert_close(mixture(x, {"point": Mix(weights, (0, 1))}), published(x, weights, ops, k))


@pytest.mark.parametrize("config", [CellConfig(cells=3, channels=4, nodes=1), NasBench201Config(channels=4, cells=1)])
def test_whole_networks_have_them_and_images_of_odd_sides_too(config):
    network = build_mixed(config.build(), (1, 7, 7), 3, fidelity=ONCE, partial=2)
    mixes = {p.name: Mix(torch.ones(len(p.options)) / 8, tuple(range(len(p.options)))) for p in network.points}
    assert network(torch.rand(2, 1, 7, 7), mixes).shape == (2, 3)


def test_channels_that_do_not_divide_are_refused():
    with pytest.raises(UnbuildableError, match="1/3 of the 16 channels"):
        build_mixed(CellConfig().build(), (1, 8, 8), 3, fidelity=ONCE, partial=3)
