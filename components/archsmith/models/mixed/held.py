"""What a layer gives where its shape is decided: for each shape that it may have, how probable that is, and what it is then.

Reference: Liu, Chen, Schroff, Adam, Hua, Yuille, Fei-Fei 2019, Auto-DeepLab (arXiv:1901.02985), section 3.2, holds a tensor a
scale in the same way. There, sums are not divided by how probable a scale is, which a batch normalisation after them would undo.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Self, cast

import torch
from torch import Tensor, nn

from archsmith.models.branch import Shape
from archsmith.models.cell import preprocess
from archsmith.models.mixed.network import Mixes, Mixing
from archsmith.models.mixed.skips import skip, skip_mixture
from archsmith.models.mixed.under_search import unscaled
from archsmith.spaces.macro.wiring_graph import node_id


@dataclass(frozen=True, slots=True)
class Held:
    """What there is in one shape."""

    mass: Tensor
    """How probable the shape is, (); gradients flow through it."""
    value: Tensor
    """What the output is then, (B, C, H, W)."""
    watched: bool = False
    """Whether it is there for the gradient of its mass alone, which is 0: only options that are watched have led here."""

    def then(self, compute: Callable[[Tensor], Tensor]) -> Self:
        """Return what a computation makes of it, which keeps nothing for a backward pass where this is watched."""
        if not self.watched:
            return replace(self, value=compute(self.value))
        with torch.no_grad():
            return replace(self, value=compute(self.value).detach())


State = Mapping[Shape, Held]
"""An output, by each shape that it may have."""


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways to a shape."""

    source: Shape
    """Of what the layer has read."""
    shape: Shape
    """Of what it gives."""
    held: Held
    """Which is this."""


def gathered(ways: Iterable[Way]) -> dict[Shape, Held]:
    """Return what a layer gives: in each shape the mean over the ways there, weighed by how probable they are."""
    by_shape: dict[Shape, list[Held]] = {}
    for way in ways:
        by_shape.setdefault(way.shape, []).append(way.held)
    return {shape: mean(held) for shape, held in by_shape.items()}


def sources(ways: Iterable[Way], read: State) -> dict[Shape, dict[Shape, Held]]:
    """Return for each shape that a layer gives what it may have read then, and how probable that is."""
    found: dict[Shape, dict[Shape, Held]] = {}
    for way in ways:
        of = found.setdefault(way.shape, {})
        known = of.get(way.source)
        mass = way.held.mass if known is None else known.mass + way.held.mass
        watched = way.held.watched and (known is None or known.watched)
        of[way.source] = Held(mass, read[way.source].value, watched)
    return found


def mean(held: Sequence[Held]) -> Held:
    """Return the mean of what is held in one shape, as probable as all of it together."""
    if len(held) == 1:
        return held[0]
    mass = reduce(torch.add, [h.mass for h in held])
    if all(h.watched for h in held):  # their masses, of 0, say nothing
        return Held(mass, torch.stack([h.value for h in held]).mean(0), watched=True)
    return Held(mass, reduce(torch.add, [(h.mass / mass) * h.value for h in held]))


class HeldJoin(nn.ModuleDict, Mixing):
    """The main input of a reader, and what may be added to it, in every shape that the main input may have.

    Args:
        reader: Number of a layer, or `output`.
        mains: Shapes that the main input may have.
        others: Those of each output that may be added, by the number of the layer.
    """

    def __init__(self, reader: str, mains: Sequence[Shape], others: Mapping[int, Sequence[Shape]]) -> None:
        super().__init__()
        for to in mains:
            # What comes before the main input has no smaller sides.
            fits = {(j, shape) for j, shapes in others.items() for shape in shapes if shape.shrunk <= to.shrunk}
            mixtures = {_source(j, shape): skip_mixture(skip(reader, j), shape, to) for j, shape in sorted(fits, key=str)}
            self[key(to)] = nn.ModuleDict(mixtures)

    def forward(self, main: State, others: Mapping[int, State], mixes: Mixes) -> dict[Shape, Held]:
        """Return the main input with what is added to it."""
        return {to: held.then(partial(self._added, to, others=others, mixes=mixes)) for to, held in main.items()}

    def _added(self, to: Shape, y: Tensor, *, others: Mapping[int, State], mixes: Mixes) -> Tensor:
        here = cast("nn.ModuleDict", self[key(to)])
        for j, state in others.items():
            fits = {shape: held for shape, held in state.items() if shape.shrunk <= to.shrunk}
            mixed = [held.then(partial(here[_source(j, shape)], mixes=mixes)) for shape, held in fits.items()]
            y = y + mean(mixed).value if mixed else y
        return y


class HeldInput(nn.ModuleDict, Mixing):
    """What brings the first input of a cell to its channels and size, whichever shape it has.

    Args:
        sources: The shapes that it may have.
        channels: Of a node of the cell.
        shrunk: By how much the cell's sides are smaller than the image's.
    """

    def __init__(self, sources: Iterable[Shape], channels: int, shrunk: int) -> None:
        super().__init__(
            {key(shape): unscaled(preprocess((shape.channels, shrunk // shape.shrunk), channels)) for shape in sources}
        )

    def forward(self, state: State, mixes: Mixes) -> Tensor:  # noqa: ARG002 -- as all that is mixed is called
        """Return (B, C, H, W)."""
        return mean([held.then(self[key(shape)]) for shape, held in state.items()]).value


def key(shape: Shape) -> str:
    """Return what a shape is called in the names of parts."""
    return f"{shape.channels}_{shape.shrunk}"


def _source(j: int, shape: Shape) -> str:
    return f"{node_id(j)}_{key(shape)}"
