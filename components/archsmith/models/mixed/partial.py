"""Partial channels: only some of the channels go through the mixture, which saves memory and holds back skips.

Reference: Xu, Xie, Zhang, Chen, Qi, Tian, Xiong 2020, PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture
Search (arXiv:1907.05737), section 3.2, and its published code, which always takes the first 1/K and shuffles what comes out.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.models.mixed.network import Mixes, Mixture
from archsmith.models.mixed.under_search import under_search
from archsmith.models.operations import Operation


class PartialMixture(Mixture):
    """A mixture of 1/`k` of the channels; the others pass by, pooled where the operations have a stride of 2.

    Args:
        point: The name of its point.
        options: For 1/`k` of the channels.
        k: See above, >= 2; it divides the number of channels.
        stride: Of the options: 1 or 2.
    """

    def __init__(self, point: str, options: Mapping[str, nn.Module], k: int, stride: int) -> None:
        super().__init__(point, options)
        self.k = k
        self.stride = stride

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """(B, C, H, W) -> (B, C, H', W')."""
        n = x.shape[1] // self.k
        passed = F.max_pool2d(x[:, n:], 2, ceil_mode=True) if self.stride == 2 else x[:, n:]
        y = torch.cat([super().forward(x[:, :n], mixes), passed], 1)
        # Shuffled, so that the next ones take some of those that passed by.
        batch, channels, height, width = y.shape
        return y.view(batch, self.k, n, height, width).transpose(1, 2).reshape(batch, channels, height, width)


def mixed_edge(point: str, operations: Mapping[str, Operation], channels: int, stride: int, k: int) -> Mixture:
    """Return operations side by side that keep the channels.

    Args:
        point: The name of its point.
        operations: Its options; `none` among them is no connection.
        channels: Of input and output.
        stride: Of each operation.
        k: One in so many channels goes through them.

    Raises:
        ValueError: `k` does not divide `channels`.
    """
    if channels % k:
        raise ValueError(f"1/{k} of the {channels} channels of an edge is no whole number; let `partial` divide the channels.")
    n = channels // k
    options = {name: under_search(operation(n, n, stride), n) for name, operation in operations.items()}
    return PartialMixture(point, options, k, stride) if k > 1 else Mixture(point, options)
