"""Networks of a user's own, written as people write them."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.models.morphisms import inherit
from archsmith.models.morphisms.trace import UntraceableError, trace

IMAGES = torch.rand(8, 3, 6, 6, generator=torch.Generator().manual_seed(0))


class Own(nn.Module):
    """Slices, functions, a shortcut, a gate and a flattening."""

    def __init__(self, inner: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.inner = nn.Conv2d(2, inner, 3, padding=1)
        self.back = nn.Conv2d(inner, 6, 1)
        self.gate = nn.Linear(6, 6)
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.stem(x)))
        y = self.back(F.relu(self.inner(x[:, -2:])))
        y = y * torch.sigmoid(self.gate(y.mean([2, 3])))[:, :, None, None]
        z = torch.cat([x + y, F.max_pool2d(x, 3, stride=1, padding=1)], dim=1)
        logits: Tensor = self.head(torch.flatten(F.adaptive_avg_pool2d(z, 1), 1))
        return logits


def test_a_network_of_ones_own_is_widened() -> None:
    torch.manual_seed(0)
    parent, child = Own(4), Own(10)
    parent.train()(IMAGES)
    result = inherit(parent, child, images=IMAGES, generator=torch.Generator().manual_seed(0))
    assert result.same
    assert result.operations["inner"] == "widened"
    torch.testing.assert_close(child.eval()(IMAGES), parent.eval()(IMAGES))


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.Softmax(1)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten()),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ChannelShuffle(2)),
    ],
    ids=["Softmax", "Flatten", "ChannelShuffle"],
)
def test_what_mixes_channels_without_weights_is_refused(network: nn.Module) -> None:
    with pytest.raises(UntraceableError, match=r"^'1'(, a \w+, is not known here| makes features of pixels)$"):
        trace(network.eval(), IMAGES[:1])


def test_a_module_that_is_called_twice_is_refused() -> None:
    layer = nn.Conv2d(3, 3, 1)
    with pytest.raises(UntraceableError, match=r"^a module with weights is called more than once$"):
        trace(nn.Sequential(layer, nn.ReLU(), layer).eval(), IMAGES[:1])
