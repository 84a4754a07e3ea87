"""The multiply-adds of one image; in AZ-NAS, this is the part that is called complexity."""

from torch import Tensor, nn

from archsmith.models.cost import cost


def flops(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the multiply-adds of one image: of convolutions, linear layers and attention."""
    del labels
    channels, height, width = images.shape[1:]
    return float(cost(network, (channels, height, width)).flops)
