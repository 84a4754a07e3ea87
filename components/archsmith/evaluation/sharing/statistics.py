"""Statistics of batch normalisation where architectures share weights: whose they are, and when they are measured.

The running statistics of a shared layer are a mixture over all networks that were trained with it, and right for none of them.
So they are never used: while something is learnt, statistics are those of the batch; and before an architecture is looked at,
they are averaged anew over some batches of its own.

Reference: Guo, Zhang, Mu, Heng, Liu, Wei, Sun 2020 (arXiv:1904.00420), section 3.4; Bender, Kindermans, Zoph, Vasudevan, Le
2018, Understanding and Simplifying One-Shot Architecture Search, section 3.3, for the batch's own.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from archsmith.evaluation.device import Device, Precision


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Let a network normalise by the batch's statistics, and change no running ones; all else is as in evaluation."""
    norms = _norms(network)
    network.eval()
    for norm in norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm in norms:
            norm.training, norm.track_running_stats = False, True


@contextmanager
def own_statistics(network: nn.Module, batches: Iterable[Tensor], device: Device, precision: Precision) -> Iterator[None]:
    """Let a network normalise by running statistics that are the means over these batches; in the end it has its old ones.

    Args:
        network: Its weights are as they will be looked at; it is left in evaluation mode.
        batches: Images, (B, C, H, W) each.
        device: Where both are.
        precision: Of the forward pass.
    """
    norms = _norms(network)
    before = [{name: buffer.clone() for name, buffer in norm.named_buffers(recurse=False)} for norm in norms]
    momenta = [norm.momentum for norm in norms]
    try:
        network.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.training = True
        if norms:
            _pass(network, norms, batches, device, precision)
        network.eval()
        yield
    finally:
        for norm, buffers, momentum in zip(norms, before, momenta, strict=True):
            norm.momentum = momentum
            for name, buffer in norm.named_buffers(recurse=False):
                buffer.copy_(buffers[name])


@torch.no_grad()
def _pass(
    network: nn.Module, norms: Iterable[_NormBase], batches: Iterable[Tensor], device: Device, precision: Precision
) -> None:
    for k, x in enumerate(batches, start=1):
        for norm in norms:  # the mean over all batches; with a momentum of None, torch would wait for the GPU to count them
            norm.momentum = 1 / k
        with device.autocast(precision):
            network(x)


def _norms(network: nn.Module) -> list[_NormBase]:
    """Return the layers that keep running statistics."""
    return [module for module in network.modules() if isinstance(module, _NormBase) and module.track_running_stats]
