"""The space of a convolutional neural fabric: the paths through a trellis of layers and scales.

A node of the trellis is a stack of feature maps at a layer and a scale; each scale has half the height and width of the
one before it. From one layer to the next, a path goes on at the next finer scale, at the same, or at the next coarser one.
Within the first layer it may go down from the image's scale before that, and within the last layer it goes down to the
coarsest, where the classifier is. So a path is a network: where it halves, how often it convolves at which scale,
and whether it goes up again, follow from it; and networks of different depth are paths of one trellis.

Reference: Saxena, Verbeek 2016, Convolutional Neural Fabrics (arXiv:1606.02492), section 3 and figure 1; the same number of
channels at every scale, and twice as many at each coarser one, are its two variants (section 3.3).

Deviations: the channels of two nodes are fully connected, where the paper also has a sparser kind; and an architecture is
one path, while the paper trains the whole fabric as one network. That one is `archsmith.models.mixed.fabric`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Self, cast

import numpy as np
from pydantic import Field, model_validator

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spaces.settings import Count
from archsmith.spaces.space import SpaceConfig
from archsmith.values import Architecture, Choice

_MOST_CHANNELS = 65536

At = tuple[int, int]
"""A node of the trellis: its layer, from 1, and its scale, from 0, the image's own."""


class FabricConfig(SpaceConfig):
    """Paths through a trellis of layers and scales: from layer to layer to finer maps, to maps of the same size, or coarser.

    Each step is a 3x3 convolution; the last layer leads down to the coarsest scale.
    """

    layers: Annotated[int, Field(ge=2, le=50)] = 8
    """Layers of the trellis."""
    scales: Annotated[int, Field(ge=2, le=12)] = 6
    """Scales of the trellis, each of half the height and width of the one before; 6 lead from 32 x 32 pixels to one."""
    channels: Count = 32
    """Channels at the scale of the image, at full width."""
    doubling: bool = False
    """Whether each coarser scale has twice the channels of the one before; else all have the same."""

    @model_validator(mode="after")
    def _is_not_too_wide(self) -> Self:
        if self.doubling and (widest := self.channels * 2 ** (self.scales - 1)) > _MOST_CHANNELS:
            raise ValueError(
                f"`channels` is {self.channels}, which `doubling` makes {widest} at the last of {self.scales} scales, "
                f"but at most {_MOST_CHANNELS} are possible; take fewer channels or scales"
            )
        return self

    def build(self) -> "FabricSpace":
        """Make the space."""
        return FabricSpace(self)


@dataclass(frozen=True, slots=True)
class Link:
    """A connection of two nodes of the trellis, a convolution."""

    source: At
    """Where it comes from."""
    target: At
    """Where it leads: the layer after, or within the first and the last layer the next coarser scale."""

    @property
    def name(self) -> str:
        """Its name, the same in every network."""
        (before, source), (layer, target) = self.source, self.target
        return f"{'within' if before == layer else 'layer'}_{layer}_scale_{source}_to_{target}"

    @property
    def coarser(self) -> int:
        """By how many scales it leads to coarser maps: 1, 0, or -1 where these are finer."""
        return self.target[1] - self.source[1]


@dataclass(frozen=True, slots=True)
class Trellis:
    """The nodes and links of a fabric."""

    layers: int
    """How many layers, at least 2."""
    scales: int
    """How many scales, at least 2."""

    @property
    def start(self) -> At:
        """The node that reads the image."""
        return (1, 0)

    @property
    def end(self) -> At:
        """The node that the classifier reads."""
        return (self.layers, self.scales - 1)

    @property
    def nodes(self) -> Iterator[At]:
        """All nodes, each after those that lead to it."""
        return ((layer, scale) for layer in range(1, self.layers + 1) for scale in range(self.scales))

    def near(self, scale: int) -> tuple[int, ...]:
        """Return the scales that a layer reads, or leads on to, at this scale of a neighbouring layer: the finer ones first."""
        return tuple(range(max(0, scale - 1), min(self.scales, scale + 2)))

    def links_to(self, node: At) -> tuple[Link, ...]:
        """Return the links that lead to a node, from finer scales first, and that from within its layer last."""
        layer, scale = node
        before = [Link((layer - 1, source), node) for source in self.near(scale)] if layer > 1 else []
        within = [Link((layer, scale - 1), node)] if layer in (1, self.layers) and scale else []
        return (*before, *within)

    def along(self, path: Sequence[int]) -> tuple[Link, ...]:
        """Return the links of a path, given the scales at which it leaves the first layer and enters the others."""
        down = [(1, scale) for scale in range(path[0])]
        across = [(layer, scale) for layer, scale in enumerate(path, start=1)]
        on = [(self.layers, scale) for scale in range(path[-1] + 1, self.scales)]
        return tuple(Link(a, b) for a, b in pairwise([*down, *across, *on]))

    def path_of(self, links: Sequence[Link]) -> tuple[int, ...]:
        """Return the path with these links; the inverse of `along`."""
        across = [link for link in links if link.source[0] < link.target[0]]
        return (across[0].source[1], *(link.target[1] for link in across))


class FabricSpace(DecisionSpace):
    """The space of the paths through a fabric.

    Its decisions: `scale_1`, at which the path leaves the first layer, from 0 for that of the image; and for each layer L from
    2 `scale_L_from_S`, the scale that it goes on at, for a path that comes from the scale S: of these, one is active.
    """

    def __init__(self, config: FabricConfig) -> None:
        self.trellis = Trellis(config.layers, config.scales)
        self.config = config
        super().__init__("fabric", (*_decisions(self.trellis), *config.training_decisions()))

    @cached_property
    def _n_moves(self) -> int:
        """How many decisions are about the path; others are about the training."""
        return 1 + (self.trellis.layers - 1) * self.trellis.scales

    def channels(self, scale: int) -> int:
        """Return the channels of a scale, at full width."""
        return self.config.channels * (2**scale if self.config.doubling else 1)

    def path(self, architecture: Architecture) -> tuple[int, ...]:
        """Return the scale of each layer: the one at which the path leaves the first, and those at which it enters the others."""
        return tuple(cast("int", choice) for choice in architecture.choices[: self._n_moves] if choice is not None)

    def choices_of(self, path: Sequence[int]) -> dict[str, Choice]:
        """Return the choices that a path makes, by the decision; raises `ValueError` where there is no such path."""
        layers, scales = self.trellis.layers, self.trellis.scales
        if len(path) != layers:
            raise ValueError(f"The path has {len(path)} scales, but must have one for each of {layers} layers.")
        if wrong := [scale for scale in path if not 0 <= scale < scales]:
            raise ValueError(f"The path has the scale {wrong[0]}, but its scales must be from 0 to {scales - 1}.")
        moves = list(enumerate(pairwise(path), start=2))
        for layer, (before, scale) in moves:
            if abs(scale - before) > 1:
                raise ValueError(
                    f"The path goes from scale {before} to {scale} at layer {layer}, but must go on by one scale at most."
                )
        return {"scale_1": path[0], **{f"scale_{layer}_from_{before}": scale for layer, (before, scale) in moves}}

    def features(self, architecture: Architecture) -> np.ndarray:
        """Return the choices in their order, then which nodes of the trellis the path visits.

        Returns:
            (n_features,), float64, each in [0, 1].
        """
        visits = np.zeros((self.trellis.layers, self.trellis.scales))
        for link in self.trellis.along(self.path(architecture)):
            for layer, scale in (link.source, link.target):
                visits[layer - 1, scale] = 1.0
        return np.concatenate([super().features(architecture), visits.ravel()])

    def to_text(self, architecture: Architecture) -> str:
        """Return the scale of each layer, as in `0-0-1-2-1-2`; settings of the training follow as `decision=choice`."""
        settings = zip(self.decisions[self._n_moves :], architecture.choices[self._n_moves :], strict=True)
        return " ".join(["-".join(map(str, self.path(architecture))), *(f"{d.name}={choice}" for d, choice in settings)])

    def from_text(self, text: str) -> Architecture:
        """Read what `to_text` wrote; raises `ValueError` where it is no architecture of this space."""
        scales, *settings = text.split() or [""]
        if not all(word.isascii() and word.isdigit() for word in scales.split("-")):
            example = "-".join(map(str, self.path(self.at(self.size() - 1))))
            raise ValueError(f"The path is {scales!r}, but must be the scale of each layer, as in {example}.")
        chosen = self.choices_of([int(word) for word in scales.split("-")])
        return super().from_text(" ".join([*(f"{name}={scale}" for name, scale in chosen.items()), *settings]))

    def graph(self, architecture: Architecture) -> Graph:
        """Return the chain from the image to the classifier."""
        nodes = tuple(self._nodes(architecture))
        return Graph(nodes, tuple(Edge(a.id, b.id) for a, b in pairwise(nodes)))

    def _nodes(self, architecture: Architecture) -> Iterator[Node]:
        """Yield a node a layer of the network."""
        yield Node("input", "image", "input")
        yield self._node("stem", self.trellis.start, 0)
        for link in self.trellis.along(self.path(architecture)):
            yield self._node(link.name, link.target, link.coarser)
        yield Node("global_pool", "global average pool", "global-pool")
        yield Node("output", "classifier", "output")

    def _node(self, name: str, at: At, coarser: int) -> Node:
        """Return the node of a convolution: `conv 3x3, 32, /2`."""
        layer, scale = at
        resampled = {1: ", /2", 0: "", -1: ", x2"}[coarser]
        kind = "up-conv" if coarser < 0 else "conv"
        details = {
            "layer": str(layer),
            "scale": f"1/{2**scale}" if scale else "1",
            "kernel": "3",
            "filters": str(self.channels(scale)),
            "followed by": "batch norm, ReLU",
        }
        return Node(name, f"{kind} 3x3, {self.channels(scale)}{resampled}", kind, details)


def _decisions(trellis: Trellis) -> Iterator[Decision]:
    """Yield the decisions in the order in which a path takes them."""
    scales = range(trellis.scales)
    first = Decision("scale_1", tuple(scales), ordered=True)
    last = [Decision(f"scale_2_from_{scale}", trellis.near(scale), {first.name: (scale,)}, ordered=True) for scale in scales]
    yield from (first, *last)
    for layer in range(3, trellis.layers + 1):
        last = [
            Decision(f"scale_{layer}_from_{scale}", trellis.near(scale), ordered=True, if_active=_leading_to(scale, last))
            for scale in scales
        ]
        yield from last


def _leading_to(scale: int, before: Sequence[Decision]) -> dict[str, tuple[Choice, ...]]:
    """Return the choices, by the decision, with which a path comes to this scale."""
    return {decision.name: (scale,) if scale in decision.choices else () for decision in before}
