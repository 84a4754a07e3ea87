"""A mixed network with what it takes to find its loss."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import torch._dynamo
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from archsmith.evaluation.batches import Batch
from archsmith.evaluation.device import Device
from archsmith.models.mixed.network import Mix, Mixed
from archsmith.spec import TrainingSpec

VERSIONS = 4
"""Times that an option may be compiled: for the last batch of an epoch, and with and without gradients."""


class Supernet:
    """A mixed network on its device.

    Args:
        network: The network, on the device.
        device: Where it is.
        training: Precision and label smoothing are its.
    """

    def __init__(self, network: Mixed, device: Device, training: TrainingSpec) -> None:
        self.network = network
        named = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
        self._names, self.weights = tuple(named), list(named.values())
        self._device, self._precision, self._smoothing = device, training.precision, training.label_smoothing

    def loss(
        self, batch: Batch, mixes: Mapping[str, Mix], weights: Sequence[Tensor] | None = None, *, in_full: bool = False
    ) -> Tensor:
        """Return the mean loss over a batch: of the network as it is, or with other weights in place of its own.

        Args:
            batch: Images and labels.
            mixes: Of the points.
            weights: In the order of the network's own.
            in_full: Whether it is computed in the precision of the weights, whatever that of the training is.
        """
        x, y = batch
        with nullcontext() if in_full else self._device.autocast(self._precision):
            if weights is None:
                logits = self.network(x, mixes)
            else:
                logits = functional_call(self.network, dict(zip(self._names, weights, strict=True)), (x, mixes))
            return F.cross_entropy(logits, y, label_smoothing=self._smoothing)

    @contextmanager
    def statistics_left_alone(self) -> Iterator[None]:
        """Let batch normalisation use a batch's statistics and remember nothing of them."""
        norms = [m for m in self.network.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
        for norm in norms:
            norm.track_running_stats = False
        try:
            yield
        finally:
            for norm in norms:
                norm.track_running_stats = True


def compile_options(network: Mixed) -> None:
    """Compile what stands side by side in the network, each by itself: which of them is computed changes with each step."""
    mixtures = (place for places in network.mixtures().values() for place in places)
    options = [option for place in mixtures for option in place.values() if any(True for _ in option.parameters())]
    config: Any = torch._dynamo.config  # to it they are one function, of which it compiles eight versions by itself
    for limit in ("recompile_limit", "accumulated_recompile_limit"):
        setattr(config, limit, max(getattr(config, limit), VERSIONS * len(options)))
    for option in options:
        option.compile()
