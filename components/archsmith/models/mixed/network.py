"""A network that holds the options of every choice side by side, and how much of each goes into what it computes."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.models.mixed.derivation import Slot, best_first
from archsmith.models.operations import Zero
from archsmith.models.parts import Parts
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice


@dataclass(frozen=True, slots=True)
class Point:
    """A choice among options, made once for all places in the network that share it, such as an edge of all normal cells."""

    name: str
    """Unique in its network, such as `normal.edge_0_2`."""
    options: tuple[str, ...]
    """Names of the options, at least two, in the order of the weights."""
    skips: frozenset[str] = frozenset()
    """Those of the options that pass their input on: too many of them are the sign of a collapse."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How much of each option of a point goes into what is computed."""

    weights: Tensor
    """(n_options,), float; gradients flow through it."""
    active: tuple[int, ...]
    """Places of the options that are computed; others are taken for zero, whatever their weights are."""
    watched: tuple[int, ...] = ()
    """Places of options that are computed too, but kept for no backward pass of their own: only the gradient of their weights
    is wanted, and of what they do inside, nothing takes memory."""


Mixes = Mapping[str, Mix]
"""A mix of each point, by its name."""

Path = Mapping[str, tuple[int, ...]]
"""The places of the options that each point has, by its name."""

MANY = 10
"""Times as many as are wanted that are passed over before nothing more is looked for."""


def everything(_: Path) -> bool:
    """Allow it."""
    return True


def weighed(mix: Mix, compute: Callable[[int], Tensor]) -> Tensor:
    """Return the weighed sum of the active and the watched options of a point.

    Args:
        mix: Of the point.
        compute: Computes the option at a place; all of them give tensors of one shape.
    """
    weights = mix.weights.unbind()
    first, *others = mix.active
    y = weights[first] * compute(first)
    for k in others:
        y = _added(y, weights[k], compute(k))
    for k in mix.watched:
        with torch.no_grad():
            seen = compute(k).detach()
        y = _added(y, weights[k], seen)
    return y


def _added(y: Tensor, weight: Tensor, x: Tensor) -> Tensor:
    """Return `y + weight * x`, in one pass over it, and in the precision of `y`."""
    return torch.addcmul(y, weight.to(y.dtype), x)


class Mixing(nn.Module):
    """Base of the parts whose output depends on the mixes: they take them as their second argument."""


class Mixture(nn.ModuleDict, Mixing):
    """A place in a network at which the options of a point stand side by side; they are its parts, by name.

    Args:
        point: The name of its point.
        options: From the same input to outputs of the same shape, in the point's order. A ReLU that they begin with is taken
            from them, and applied once for all.
    """

    def __init__(self, point: str, options: Mapping[str, nn.Module]) -> None:
        super().__init__(options)
        self.point = point
        self._rectified = frozenset(k for k, option in enumerate(options.values()) if _begins_with_relu(option))
        for k, option in enumerate(options.values()):
            if k in self._rectified:
                cast("nn.Sequential", option)[0] = nn.Identity()

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Return the weighed sum of the active and the watched options: (B, C, H, W) -> (B, C', H', W')."""
        mix, options = mixes[self.point], list(self.values())
        # Zeros add nothing, whatever they are weighed by, so that they are made only where there is nothing else.
        active = [k for k in mix.active if not isinstance(options[k], Zero)] or mix.active[:1]
        rectified = F.relu(x) if self._rectified & {*active, *mix.watched} else x
        return weighed(replace(mix, active=tuple(active)), lambda k: options[k](rectified if k in self._rectified else x))


def _begins_with_relu(option: nn.Module) -> bool:
    return isinstance(option, nn.Sequential) and len(option) > 0 and isinstance(option[0], nn.ReLU)


class Mixed(nn.Module):
    """Base of the mixed network of a space."""

    points: tuple[Point, ...]
    """Its choices."""
    exclusive: frozenset[str] = frozenset()
    """Names of the points of which one option is meant to count, so that weights of several sum to 1: without that, what is
    computed grows from layer to layer."""
    has_prices: bool = True
    """Whether what an option costs does not depend on what is chosen elsewhere."""

    @abstractmethod
    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Return logits: (B, C, H, W) in [0, 1] -> (B, n_classes)."""

    @abstractmethod
    def derive(
        self, probabilities: Mapping[str, np.ndarray], n: int, allows: Callable[[Path], bool] = everything
    ) -> Sequence[Architecture]:
        """Return the `n` most probable architectures, all different, the best first; fewer where there are fewer.

        Args:
            probabilities: Of each point, by its name, (n_options,), sums of 1.
            n: How many, >= 1.
            allows: Tells of what was decided at each point whether it may be derived.
        """

    def path(self, architecture: Architecture) -> Mapping[str, tuple[int, ...]]:
        """Return the places of the options that each point has in `architecture`, by the point's name; none where it is left out.

        With weights of 1 for these options, and of 0 for all others, the network is that of the architecture.
        """
        raise NotImplementedError

    def likeliest(self, probabilities: Mapping[str, np.ndarray]) -> Mapping[str, tuple[int, ...]]:
        """Return what `path` does of the most probable architecture, by the points at which it was decided.

        The architecture that is derived may be another description of the same network, with its nodes in another order.
        """
        return self.path(self.derive(probabilities, 1)[0])

    def mixtures(self) -> dict[str, list[Mixture]]:
        """Return the places at which options stand side by side, by the name of their point."""
        found: dict[str, list[Mixture]] = {point.name: [] for point in self.points}
        for module in self.modules():
            if isinstance(module, Mixture):
                found[module.point].append(module)
        return found


class MixedStack(Mixed):
    """A mixed network of parts that are applied one after the other, with the names of those of a stand-alone network.

    Args:
        space: The space that it is of.
        points: Its choices.
        parts: Its parts, by name.
    """

    def __init__(self, space: Space, points: Sequence[Point], parts: Parts) -> None:
        super().__init__()
        self.space = space
        self.points = tuple(points)
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Return logits: (B, C, H, W) in [0, 1] -> (B, n_classes)."""
        for part in self.children():
            x = part(x, mixes) if isinstance(part, Mixing) else part(x)
        return x

    def derive(
        self, probabilities: Mapping[str, np.ndarray], n: int, allows: Callable[[Path], bool] = everything
    ) -> Sequence[Architecture]:
        """Return the `n` most probable architectures, all different, the best first; fewer where there are fewer."""
        canonical: dict[Architecture, None] = {}
        n, refused = min(n, self.space.size()), 0
        for chosen in best_first(self.slots(probabilities)):
            decided = self.read(chosen)
            if not allows(self.path(decided)):
                refused += 1
                if refused > MANY * n:  # what is refused is improbable, so that hardly anything else follows
                    break
                continue
            architecture = self.space.canonical(decided)
            if self.is_connected(architecture):
                canonical.setdefault(architecture)
            if len(canonical) == n:
                break
        return tuple(canonical)

    def likeliest(self, probabilities: Mapping[str, np.ndarray]) -> Mapping[str, tuple[int, ...]]:
        """Return the places of the options of the most probable architecture, by the points at which it was decided."""
        decided = (self.read(chosen) for chosen in best_first(self.slots(probabilities)))
        return self.path(next(found for found in decided if self.is_connected(self.space.canonical(found))))

    def path(self, architecture: Architecture) -> Mapping[str, tuple[int, ...]]:
        """Return the places of the options that each point has in `architecture`, by the point's name."""
        options = self.options(architecture)
        return {p.name: tuple(p.options.index(option) for option in options.get(p.name, ())) for p in self.points}

    def is_connected(self, architecture: Architecture) -> bool:  # noqa: ARG002 -- of spaces in which some are not
        """Tell whether images reach the classifier at all; what they don't is never derived."""
        return True

    @abstractmethod
    def options(self, architecture: Architecture) -> Mapping[str, tuple[str, ...]]:
        """Return the options of each point that is not left out."""

    @abstractmethod
    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Sequence[Slot]:
        """Return what there is to decide, in an order in which each depends on what comes before it only."""

    @abstractmethod
    def read(self, chosen: Mapping[str, Choice]) -> Architecture:
        """Return the architecture that has been decided."""
