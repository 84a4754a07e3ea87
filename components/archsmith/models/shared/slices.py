"""A bank in which narrower layers and smaller kernels are parts of larger ones.

A tensor is known by its name and the kind of its layer, and has the largest shape that any network wants. A narrower layer has
its leading channels, a smaller kernel its centre. So what is trained with one width serves the others.

Reference: Yu, Yang, Xu, Yang, Huang 2019, Slimmable Neural Networks (arXiv:1812.08928), section 3, for channels; Cai, Gan, Wang,
Zhang, Han 2020, Once-for-All (arXiv:1908.09791), section 3.3, for kernels.

Deviations: centred kernels have no matrix that transforms them; channels are not sorted by their importance. Where a layer reads
several others side by side, its leading channels are not always those of the same ones.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from archsmith.errors import PermanentError, UnbuildableError
from archsmith.models.shared.bank import Bank, Box, Shared, Start, Touched
from archsmith.models.shared.skeleton import Owned, owned, skeleton
from archsmith.spaces.decisions import Decision
from archsmith.spaces.decisions.conditions import rules_out, walk
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice

N_SURVEYED = 24
"""Large networks that are looked at for the largest shapes. What is larger nevertheless makes its tensor grow when it comes."""

N_COMPARED = 3
"""Pairs of networks by which it is found out whether a decision is one on their size."""

Extremes = dict[int, tuple[Choice, Choice]]
"""Of decisions on the size of a network, by their places: the choices that make the smallest and the largest one."""


class Sliced(nn.Module):
    """A network whose parameters are parts of larger ones; its buffers are views, so that they change where they lie.

    Args:
        network: Without values of its own.
        parts: Of each parameter, by its name, the larger one and the part of it.
    """

    def __init__(self, network: nn.Module, parts: dict[str, Touched]) -> None:
        super().__init__()
        self.network = network
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, n_classes)."""
        return functional_call(self.network, self.weights(), (x,))  # type: ignore[no-any-return]

    def weights(self) -> dict[str, Tensor]:
        """Return its parameters, through which gradients reach the larger ones."""
        return {name: _part(one.parameter, one.box) for name, one in self.parts.items()}


class SlicedBank(Bank):
    """A bank of the largest tensors; see `Bank`.

    Args:
        space: The space.
        input_shape: As in `Bank`.
        n_classes: As in `Bank`.
        bank: What else `Bank` wants.

    Raises:
        PermanentError: A layer changes its size, and there is no rule for which part of it a smaller one has.
    """

    def __init__(self, space: Space, input_shape: tuple[int, int, int], n_classes: int, **bank: Any) -> None:
        super().__init__(space, input_shape, n_classes, **bank)
        self._largest: dict[str, torch.Size] = {}
        rng = np.random.default_rng(0)
        self.extremes = self._find_extremes(rng)
        """Decisions on the size of a network; what shapes there are is found out with the largest ones."""
        largest = {place: choices[1] for place, choices in self.extremes.items()}
        for _ in range(N_SURVEYED):
            self._survey(with_choices(space, space.sample(rng), largest, rng))

    def extract(self, architecture: Architecture) -> dict[str, Tensor]:
        """Return copies of the weights that the network of `architecture` has."""
        sliced = self._sliced(architecture)
        state = sliced.network.state_dict()
        weights = {name: sliced.weights()[name] if name in sliced.parts else tensor for name, tensor in state.items()}
        return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in weights.items()}

    def _sliced(self, architecture: Architecture) -> Sliced:
        network = self.network(architecture)
        assert isinstance(network, Sliced)
        return network

    def _bound(self, architecture: Architecture, network: nn.Module) -> Shared:
        """Say which parts of the bank's tensors are the network's parameters, and let its buffers be views of the bank's."""
        known = self._tensors(architecture, network)  # all of them first, as they may grow
        parts: dict[str, Touched] = {}
        for tensor in owned(network):
            full = known[tensor.name]
            box = part_of(full.shape, tensor.value.shape)
            if isinstance(full, nn.Parameter):
                parts[tensor.name] = Touched(full, box)
            else:
                tensor.put(full if box is None else full[box])
        return Shared(Sliced(network, parts), list(parts.values()))

    def _tensor(self, key: str, tensor: Owned, start: Start) -> Tensor:
        known = self.parameters.get(key, self._buffers.get(key))
        wanted = known.shape if known is not None else self._shape(tensor)
        if wanted != tensor.value.shape:
            _check(tensor, wanted)
        if known is not None and (larger := _larger(wanted, tensor.value.shape)) != wanted:
            self._grow(key, known, start.of(tensor, larger))
        return super()._tensor(key, tensor, start)

    def _grow(self, key: str, known: Tensor, larger: Tensor) -> None:
        """Put a larger tensor in the place of a known one, which becomes its part."""
        larger = self._placed(larger)
        larger[part_of(larger.shape, known.shape)] = known.detach()
        if isinstance(known, nn.Parameter):
            self.parameters[key] = nn.Parameter(larger)  # a new one: a graph that still lives knows the old one's shape
        else:
            self._buffers[key] = larger
        self._networks.clear()

    def _key(self, tensor: Owned) -> str:
        # Without its shape, a name is not enough: a projection begins with a pooling in one network, and with a convolution
        # in another.
        return f"{tensor.name} {type(tensor.module).__name__}"

    def _shape(self, tensor: Owned) -> torch.Size:
        return _larger(tensor.value.shape, self._largest.get(self._key(tensor), tensor.value.shape))

    def _survey(self, architecture: Architecture) -> None:
        """Take note of the shapes in a network."""
        network = self._skeleton(architecture)
        for tensor in owned(network) if network is not None else ():
            self._largest[self._key(tensor)] = self._shape(tensor)

    def _find_extremes(self, rng: np.random.Generator) -> Extremes:
        """Return the decisions with an order whose ends make networks of different sizes."""
        found: Extremes = {}
        for place, decision in enumerate(self._space.decisions):
            if decision.ordered and len(decision.choices) > 1:
                ends = [decision.choices[decision.ranks.index(k)] for k in (0, len(decision.choices) - 1)]
                sizes = [self._sizes(place, ends, rng) for _ in range(N_COMPARED)]
                small, large = map(sum, zip(*sizes, strict=True))
                if small != large:
                    found[place] = (ends[0], ends[1]) if small < large else (ends[1], ends[0])
        return found

    def _sizes(self, place: int, ends: Sequence[Choice], rng: np.random.Generator) -> list[int]:
        """Return the parameters of two networks that differ in one decision; zeros where one has no network."""
        one = self._space.sample(rng)
        if one.choices[place] is None:
            return [0, 0]
        networks = [self._skeleton(with_choices(self._space, one, {place: end}, rng)) for end in ends]
        sizes = [sum(p.numel() for p in network.parameters()) for network in networks if network is not None]
        return sizes if len(sizes) == len(ends) else [0, 0]

    def _skeleton(self, architecture: Architecture) -> nn.Module | None:
        """Return the network of an architecture without values; None where there is none."""
        try:
            return skeleton(lambda: self._make(architecture))
        except UnbuildableError:
            return None


def with_choices(
    space: Space, architecture: Architecture, choices: Mapping[int, Choice], rng: np.random.Generator
) -> Architecture:
    """Return an architecture with these choices, as far as the decisions are active; what becomes active is drawn.

    Args:
        space: Its space.
        architecture: Has the other choices.
        choices: By the places of the decisions.
        rng: Draws.
    """

    def pick(k: int, decision: Decision) -> Choice:
        choice = choices.get(k, architecture.choices[k])
        return decision.choices[rng.integers(len(decision.choices))] if choice is None else choice

    return Architecture(space.name, walk(space.decisions, rules_out(space.decisions), pick))


def part_of(whole: torch.Size, part: torch.Size) -> Box | None:
    """Return where a smaller tensor lies in a larger one: leading channels, in the centre of a kernel; None is all of it."""
    if whole == part:
        return None
    begins = [0 if axis < 2 else (n - m) // 2 for axis, (n, m) in enumerate(zip(whole, part, strict=True))]
    return tuple(slice(begin, begin + m) for begin, m in zip(begins, part, strict=True))


def _part(parameter: nn.Parameter, box: Box | None) -> Tensor:
    """Return a part of a parameter in the format of the whole, as convolutions want it."""
    if box is None:
        return parameter
    memory = torch.channels_last if parameter.ndim == 4 else torch.contiguous_format
    return parameter[box].contiguous(memory_format=memory)


def _larger(a: torch.Size, b: torch.Size) -> torch.Size:
    return torch.Size(map(max, a, b))


def _check(tensor: Owned, whole: torch.Size) -> None:
    """Raise `PermanentError` where it is not known which part of a larger tensor a layer has."""
    module, axes = tensor.module, len(tensor.value.shape)
    known = isinstance(module, nn.Conv2d | nn.Linear | _BatchNorm | nn.GroupNorm | nn.PReLU) or (
        isinstance(module, nn.LayerNorm) and axes == 1
    )
    if isinstance(module, nn.Conv2d) and module.groups not in (1, module.in_channels):
        known = False
    if not known or axes != len(whole):
        raise PermanentError(
            f"`{tensor.name}`, of {type(module).__name__}, has the shapes {tuple(tensor.value.shape)} and {tuple(whole)} in "
            "networks of this space, and nobody knows which part of the larger one is the smaller; leave `slicing` out."
        )
