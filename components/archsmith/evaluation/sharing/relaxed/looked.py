"""How good an architecture is with the weights of a mixed network."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.device import Device, Precision
from archsmith.evaluation.sharing.statistics import own_statistics
from archsmith.evaluation.training import evaluate
from archsmith.models.mixed.network import Mix, Mixed
from archsmith.values import Architecture


class Chosen(nn.Module):
    """A mixed network with the options of one architecture: (B, C, H, W) -> (B, n_classes).

    Args:
        network: The network.
        architecture: What is chosen.
    """

    def __init__(self, network: Mixed, architecture: Architecture) -> None:
        super().__init__()
        self.network = network
        self._mixes = mixes_of(network, architecture)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the options of the architecture."""
        return self.network(x, self._mixes)  # type: ignore[no-any-return]


def looked_at(
    chosen: Chosen, train: Iterable[Tensor], validation: Batches, device: Device, precision: Precision
) -> tuple[float, float]:
    """Return mean loss, in nats, and accuracy of an architecture with the shared weights; statistics are left as they were.

    Args:
        chosen: The architecture.
        train: Some batches of images, which give batch normalisation its statistics: those of the mixture are not its.
        validation: The validation images.
        device: Where all of them are.
        precision: Of the forward pass.
    """
    # Options that are compiled would be compiled anew for this.
    with torch.compiler.set_stance("force_eager"), own_statistics(chosen, train, device, precision):
        return evaluate(chosen, validation, device, precision)


def mixes_of(network: Mixed, architecture: Architecture) -> Mapping[str, Mix]:
    """Return the mixes with which a network is that of an architecture."""
    path, like = network.path(architecture), next(network.parameters())
    mixes = {}
    for point in network.points:
        places = path[point.name]
        weights = torch.zeros(len(point.options), device=like.device, dtype=like.dtype)
        weights[list(places)] = 1.0
        mixes[point.name] = Mix(weights, places or (0,))  # where there is nothing, the first option counts for nothing
    return mixes
