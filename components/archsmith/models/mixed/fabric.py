"""The mixed network of the fabric's space: the whole fabric, in which each node is a point that weighs its incoming links.

Read backwards, the probabilities say where a path comes from: at the classifier's node it takes one of the links that lead there,
and so on to the image. So those of all paths sum to one, and the most probable ones are found by dynamic programming.

Reference: Saxena, Verbeek 2016, Convolutional Neural Fabrics (arXiv:1606.02492), section 3: the fabric is trained as one network,
in which a node is the sum of what its links give. The n best paths at once are the n-best variant of Viterbi's algorithm.

Deviations: the links are weighed, while the paper has no other weights than those of the convolutions; and batch normalisation
comes before the sum, for each link, so that what a link is weighed by is what it adds.
"""

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from heapq import nlargest
from operator import itemgetter
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archsmith.models.blocks import ConvBlock, GlobalPool, scaled
from archsmith.models.fabric import convolution, sides_of
from archsmith.models.mixed.derivation import logs
from archsmith.models.mixed.network import Mixed, Mixes, Mixture, Path, Point, everything, weighed
from archsmith.models.mixed.plan import Plan
from archsmith.models.mixed.under_search import unscaled
from archsmith.spaces.fabric import At, FabricSpace, Link, Trellis
from archsmith.values import Architecture

MapsAt = Callable[[At], Tensor]
"""From a node to its maps, which are computed when they are asked for."""


class MixedFabric(Mixed):
    """The mixed network; a point has the name of its node, such as `layer_3_scale_1`, and its options are the links to it.

    Only what the mixes let pass is computed: with one active option a point, a single path.
    """

    has_prices = False

    def __init__(self, space: FabricSpace, plan: Plan) -> None:
        super().__init__()
        self.space = space
        channels = [scaled(space.channels(scale), plan.fidelity.width) for scale in range(space.trellis.scales)]
        sides = sides_of(plan.input_shape, space.trellis.scales)
        self.normalize = plan.normalize
        self.stem = ConvBlock(plan.input_shape[0], channels[0], 3, 1)
        points: list[Point] = []
        for node in space.trellis.nodes:
            links = space.trellis.links_to(node)
            if len(links) == 1:
                self.add_module(links[0].name, convolution(links[0], channels, sides))
            elif links:
                points.append(Point(_name(node), tuple(map(_option, links))))
                options = {_option(link): _under_search(convolution(link, channels, sides)) for link in links}
                self.add_module(_name(node), Meeting(_name(node), options, links))
        self.global_pool = GlobalPool()
        self.classifier = nn.Linear(channels[-1], plan.n_classes)
        self.points = tuple(points)

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Return logits: (B, C, H, W) in [0, 1] -> (B, n_classes)."""
        trellis, start = self.space.trellis, self.stem(self.normalize(x))
        # What was computed without gradients must not stand in for what needs them; the other way round it may.
        with_gradients: dict[At, Tensor] = {trellis.start: start}
        without = ChainMap[At, Tensor]({}, with_gradients)

        def at(node: At) -> Tensor:
            known = with_gradients if torch.is_grad_enabled() else without
            if node not in known:
                links = trellis.links_to(node)
                if len(links) == 1:
                    known[node] = self.get_submodule(links[0].name)(at(links[0].source))
                else:
                    known[node] = self.get_submodule(_name(node))(at, mixes)
            return known[node]

        return self.classifier(self.global_pool(at(trellis.end)))  # type: ignore[no-any-return]

    def derive(
        self, probabilities: Mapping[str, np.ndarray], n: int, allows: Callable[[Path], bool] = everything
    ) -> Sequence[Architecture]:
        """Return the `n` most probable paths, all different, the best first; fewer where there are fewer."""
        trellis = self.space.trellis
        weights = {
            link: float(log)
            for node in trellis.nodes
            if len(links := trellis.links_to(node)) > 1
            for link, log in zip(links, logs(probabilities[_name(node)]), strict=True)
        }
        paths = best_paths(trellis, weights, n)
        found = (self.space.architecture(self.space.choices_of(trellis.path_of(links))) for links in paths)
        return tuple(architecture for architecture in found if allows(self.path(architecture)))

    def path(self, architecture: Architecture) -> Mapping[str, tuple[int, ...]]:
        """Return the place of the link by which the path comes to each node, by the point's name; none where it does not come."""
        found: dict[str, tuple[int, ...]] = {point.name: () for point in self.points}
        for link in self.space.trellis.along(self.space.path(architecture)):
            if _name(link.target) in found:
                found[_name(link.target)] = (self.space.trellis.links_to(link.target).index(link),)
        return found


class Meeting(Mixture):
    """A node at which links meet, each with an input of its own: the weighed sum of what they give, then ReLU.

    Args:
        point: The name of its point.
        options: Of each link, the convolution and batch normalisation.
        links: Where they come from, in the point's order.
    """

    def __init__(self, point: str, options: Mapping[str, nn.Module], links: Sequence[Link]) -> None:
        super().__init__(point, options)
        self.sources = tuple(link.source for link in links)

    def forward(self, x: Any, mixes: Mixes) -> Tensor:
        """Return the maps of the node, from those of others: `MapsAt` -> (B, C, H, W)."""
        maps: MapsAt = x
        links = tuple(self.values())
        return F.relu(weighed(mixes[self.point], lambda k: links[k](maps(self.sources[k]))))


def best_paths(trellis: Trellis, weights: Mapping[Link, float], n: int) -> list[tuple[Link, ...]]:
    """Return the `n` paths from the image to the classifier with the greatest sums of weights, the greatest first.

    Args:
        trellis: Where they lead through.
        weights: Of the links; one that is left out weighs nothing.
        n: How many, >= 1; fewer come back where there are fewer.
    """
    best: dict[At, list[tuple[float, tuple[Link, ...]]]] = {trellis.start: [(0.0, ())]}
    for node in trellis.nodes:
        if links := trellis.links_to(node):
            # The best ways to a node are among the best ways to the nodes that lead there, each with one link more.
            ways = ((w + weights.get(link, 0.0), (*way, link)) for link in links for w, way in best[link.source])
            best[node] = nlargest(n, ways, key=itemgetter(0))
    return [way for _, way in best[trellis.end]]


def _name(node: At) -> str:
    layer, scale = node
    return f"layer_{layer}_scale_{scale}"


def _option(link: Link) -> str:
    """Return the name of a link among those that lead to its node: `from_2`, or `within` where it stays in its layer."""
    return "within" if link.source[0] == link.target[0] else f"from_{link.source[1]}"


def _under_search(module: nn.Module) -> nn.Module:
    """Return the convolution and the batch normalisation of a link; ReLU comes after the sum."""
    return unscaled(nn.Sequential(*list(module.children())[:-1]))
