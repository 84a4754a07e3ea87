"""What the blocks of a network hand on to each other: what AZ-NAS looks at.

Reference: Lee, Ham 2024, AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search (arXiv:2403.19232), section 3.

Deviations of all its scores here: the paper feeds Gaussian noise, and here it is the batch, as for all scores; the weights are
drawn as ours are. Its complexity is the score `flops`. It ranks the networks of a population by each part and adds up the
logarithms of the ranks, which a score of one network can't.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, Normalize
from archsmith.models.cell import Cell

_NO_BLOCKS = (nn.BatchNorm2d, nn.ReLU, nn.ReLU6, nn.Dropout, GlobalPool, Normalize, nn.Flatten)
"""Layers that make no block by themselves, nor together."""


def features(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Return the outputs of stem and blocks, in order, each (B, C, H, W), with the graph of how they were made.

    A block is a part of the network, or each cell where a part is a stack of them.
    """
    found: list[Tensor] = []

    def keep(module: nn.Module, _: object, output: object) -> None:
        del module
        if isinstance(output, Tensor) and output.ndim == 4:
            found.append(output)

    for block in _blocks(network):
        block.register_forward_hook(keep)
    network(images)
    return found


def covariance_entropy(feature: Tensor) -> float:
    """Return the entropy of the eigenvalues of a feature's covariance over images and positions, as shares of their sum (eq. 2).

    Args:
        feature: (B, C, H, W).

    Returns:
        In [0, log C]; NaN where the feature is constant.
    """
    rows = feature.detach().double().permute(0, 2, 3, 1).flatten(0, 2)  # (B * H * W, C)
    centred = rows - rows.mean(0, keepdim=True)
    if not bool(centred.isfinite().all()):
        return float("nan")
    values = torch.linalg.eigvalsh(centred.T @ centred / len(rows)).clamp_min(0)
    shares = values / values.sum()
    return -float((shares * torch.log(shares + 1e-8)).sum())


def _blocks(network: nn.Module) -> Iterator[nn.Module]:
    for part in network.children():
        cells = [module for module in part.modules() if isinstance(module, Cell)]
        leaves = [module for module in part.modules() if not any(module.children())]
        if cells:
            yield from cells
        elif not all(isinstance(leaf, _NO_BLOCKS) for leaf in leaves):
            yield part
