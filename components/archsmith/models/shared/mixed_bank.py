"""Shared weights in a network that holds all options side by side, of which any set of architectures is a part.

Reference: Bender, Kindermans, Zoph, Vasudevan, Le 2018, Understanding and Simplifying One-Shot Architecture Search, section 3.1:
the one-shot model, in which the outputs of all options that are not dropped are summed. An architecture is what is left when all
options but its own are dropped.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from archsmith.models.initialise import initialise
from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mix, Mixed, Mixes
from archsmith.models.shared.bank import Touched
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Fidelity


class Part(nn.Module):
    """A mixed network of which some options are computed: (B, C, H, W) -> (B, n_classes).

    Args:
        network: The mixed network; it is in the same mode as this.
        mixes: What is computed.
    """

    def __init__(self, network: Mixed, mixes: Mixes) -> None:
        super().__init__()
        self.network = network
        self.mixes = mixes
        self.training = network.training

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, n_classes)."""
        return self.network(x, self.mixes)  # type: ignore[no-any-return]


class MixedBank:
    """The weights of a mixed network, used as `Bank` is; its networks are no stand-alone ones.

    Args:
        space: One that has mixed networks.
        input_shape: As in `Bank`, like what follows.
        n_classes: Outputs.
        fidelity: Scales the network.
        seed: Of the first values.
        mean: As in `build`.
        std: As in `build`.
        device: Where the tensors are.
    """

    def __init__(
        self,
        space: Space,
        input_shape: tuple[int, int, int],
        n_classes: int,
        *,
        fidelity: Fidelity,
        seed: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self._network = build_mixed(space, input_shape, n_classes, fidelity=fidelity, mean=mean, std=std)
        initialise(self._network, torch.Generator().manual_seed(seed))
        self._network.to(torch.device(device), memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parameters = dict(self._network.named_parameters())
        """All parameters, by name."""

    def network(self, architecture: Architecture) -> nn.Module:
        """Return the part that is an architecture."""
        return self.together([architecture])

    def together(self, architectures: Sequence[Architecture]) -> nn.Module:
        """Return the part that has every option that any of the architectures has.

        Their outputs are summed, or averaged where the sums would grow from layer to layer.
        """
        paths = [self._network.path(architecture) for architecture in architectures]
        device = next(iter(self.parameters.values())).device
        mixes = {}
        for point in self._network.points:
            places = sorted({place for path in paths for place in path[point.name]})
            weights = torch.zeros(len(point.options), device=device)
            weights[places] = 1 / max(1, len(places)) if point.name in self._network.exclusive else 1.0
            mixes[point.name] = Mix(weights, tuple(places) or (0,))  # where there is nothing, the first option counts for nothing
        return Part(self._network, mixes)

    def touched(self, architecture: Architecture) -> Sequence[Touched]:
        """Return what may be moved; only what has a gradient is."""
        del architecture
        return [Touched(parameter) for parameter in self.parameters.values()]

    def state(self) -> dict[str, Any]:
        """Return everything that `restore` needs: tensors, which later steps change."""
        return dict(self._network.state_dict())

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over `state`."""
        self._network.load_state_dict(state)
