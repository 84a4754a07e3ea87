"""The mixed network of the hierarchical space: cells with every operation on every edge, and every cell in every layer.

Whether a layer halves the image is decided in this space, so that what it gives has no one shape; `held` says how that is held.
Who reads it has modules of its own for each shape, as the stand-alone networks have, and the classifiers' answers are weighed by
how probable the shape is that they come from. With one option a point, there is one shape, and nothing is averaged.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, scaled
from archsmith.models.branch import Shape
from archsmith.models.cell import preprocess, stem
from archsmith.models.macro import Transition
from archsmith.models.mixed.derivation import Chosen, Slot
from archsmith.models.mixed.held import Held, HeldInput, HeldJoin, State, Way, gathered, key, sources
from archsmith.models.mixed.network import MixedStack, Mixes, Mixing, weighed
from archsmith.models.mixed.plan import Plan
from archsmith.models.mixed.searched_cell import MixedCell, SearchedCell
from archsmith.models.mixed.under_search import unscaled
from archsmith.models.mixed.wiring import LAYERS, OUTPUT, SearchedWiring
from archsmith.spaces.macro.hierarchical import TRANSITION, HierarchicalSpace
from archsmith.spaces.macro.wiring_graph import node_id
from archsmith.values import Architecture

IDENTITY = "identity"


class MixedHierarchical(MixedStack):
    """The mixed network: the points of its cells, what each layer is, what it reads, and which one is the last."""

    space: HierarchicalSpace
    has_prices = False

    def __init__(self, space: HierarchicalSpace, plan: Plan) -> None:
        cells = {name: SearchedCell(d, weighs_edges=plan.weighs_edges) for name, d in space.searched.items()}
        choices = {d.name: d.choices for d in space.decisions}
        numbers = tuple(sorted(map(int, choices["layers"])))
        wiring = SearchedWiring(numbers, {str(op): {"op": op} for op in choices["op_1"]}, frozenset({IDENTITY}))
        scale = partial(scaled, multiplier=plan.fidelity.width)
        sizes = Sizes(space.config.nodes, partial(space.filters, scale=scale))
        c_stem = scale(space.config.channels) * space.config.stem_multiplier
        parts = {
            "normalize": plan.normalize,
            "stem": stem(plan.input_shape[0], c_stem, space.config.stem_stride),
            "layers": MixedHierarchy(wiring, cells, sizes, stem=c_stem, n_classes=plan.n_classes, k=plan.partial),
        }
        super().__init__(space, [*(p for cell in cells.values() for p in cell.points()), *wiring.points()], parts)
        self.searched, self.wiring = cells, wiring
        self.exclusive = wiring.of_layers

    def options(self, architecture: Architecture) -> Mapping[str, tuple[str, ...]]:
        """Return the operations of each edge of the cells that are there, what each layer is and what it reads."""
        cells, wiring = self.space.cells(architecture), self.space.wiring(architecture)
        found = self.wiring.options(wiring, lambda layer: layer.op)
        for name in {layer.op for layer in wiring.layers} & set(cells):
            found |= self.searched[name].chosen(cells[name])
        return found

    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Sequence[Slot]:
        """Return the slots of the network, then those of the cells, which have a meaning where a layer is such a cell."""
        cells = [s for name, cell in self.searched.items() for s in cell.slots(probabilities, partial(self._has, name))]
        return [*self.wiring.slots(probabilities), *cells]

    def read(self, chosen: Chosen) -> Architecture:
        """Return the architecture of these layers; cells that are nowhere are as their first choices make them."""
        found = self.wiring.read(chosen)
        for name, cell in self.space.searched.items():
            found |= {d.name: chosen[d.name] if self._has(name, chosen) else d.choices[0] for d in cell.decisions}
        return self.space.architecture(found)

    def _has(self, cell: str, chosen: Chosen) -> bool:
        return any(self.wiring.option(i, chosen) == cell for i in self.wiring.layers(chosen))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large what a layer gives is."""

    nodes: int
    """Nodes of a cell."""
    filters: Callable[[int], int]
    """From how much smaller sides are than the image's to the channels of a node."""

    def after(self, op: str, shape: Shape) -> Shape:
        """Return the shape of what an operation gives."""
        if op == IDENTITY:
            return shape
        shrunk = shape.shrunk * (2 if op == TRANSITION else 1)
        return Shape(self.filters(shrunk) * self.nodes, shrunk)


class MixedHierarchy(nn.ModuleDict, Mixing):
    """The layers after the stem, and a classifier for each shape: (B, C_stem, H, W) -> (B, n_classes).

    Args:
        wiring: Its points.
        cells: Those that a layer may be, by name.
        sizes: How large what a layer gives is.
        stem: Channels of the stem.
        n_classes: Outputs.
        k: One in so many channels goes through the operations of a cell.
    """

    def __init__(
        self, wiring: SearchedWiring, cells: Mapping[str, SearchedCell], sizes: Sizes, *, stem: int, n_classes: int, k: int
    ) -> None:
        super().__init__()
        self.wiring, self._cells, self._sizes, self._k = wiring, cells, sizes, k
        first = Shape(stem, 1)
        # Of each layer, the shapes that it may give, each with those that it may have read then.
        given: list[dict[Shape, list[Shape]]] = [{first: [first]}]
        for i in range(1, wiring.most + 1):
            others = {j: list(given[j]) for j in wiring.candidates.get(str(i), ())}
            operations = {
                f"{op}_{key(shape)}": self._operation(op, shape, before)
                for shape, before in given[-1].items()
                for op in wiring.choices
                if op != IDENTITY
            }
            self[node_id(i)] = nn.ModuleDict({"join": HeldJoin(str(i), list(given[-1]), others), **operations})
            given.append(self._given(given[-1]))
        lasts = list(dict.fromkeys(shape for n in wiring.numbers for shape in given[n]))
        self[OUTPUT] = HeldJoin(OUTPUT, lasts, {j: list(given[j]) for j in wiring.candidates[OUTPUT]})
        for shape in lasts:
            self[f"classifier_{key(shape)}"] = nn.Sequential(GlobalPool(), nn.Linear(shape.channels, n_classes))

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Apply the layers."""
        first = Shape(x.shape[1], 1)
        given: list[State] = [{first: Held(x.new_ones((), dtype=torch.float32), x)}]
        before: Mapping[Shape, State] = {first: given[0]}
        for i in range(1, self.wiring.deepest(mixes) + 1):
            layer = cast("nn.ModuleDict", self[node_id(i)])
            read = layer["join"](given[-1], {j: given[j] for j in self.wiring.candidates.get(str(i), ())}, mixes)
            ways = list(self._ways(i, read, before, mixes))
            given.append(gathered(ways))
            before = sources(ways, read)
        if LAYERS not in mixes:
            return self._answers(given, self.wiring.most, mixes)
        numbers = self.wiring.numbers
        return weighed(mixes[LAYERS], lambda k: self._answers(given, numbers[k], mixes))

    def _given(self, mains: Mapping[Shape, Sequence[Shape]]) -> dict[Shape, list[Shape]]:
        """Return the shapes that a layer may give, each with those that it may have read then."""
        found: dict[Shape, list[Shape]] = {}
        for shape in mains:
            for op in self.wiring.choices:
                found.setdefault(self._sizes.after(op, shape), []).append(shape)
        return found

    def _operation(self, op: str, shape: Shape, before: Sequence[Shape]) -> nn.Module:
        """Return what a layer does to a shape, where the layer before it may have read some others."""
        if op == TRANSITION:
            return unscaled(Transition(shape.channels, self._sizes.after(op, shape).channels))
        channels = self._sizes.filters(shape.shrunk)
        inputs = HeldInput(before, channels, shape.shrunk), unscaled(preprocess((shape.channels, 1), channels))
        return MixedCell(self._cells[op], inputs, channels, stride=1, k=self._k)

    def _ways(self, i: int, read: State, before: Mapping[Shape, State], mixes: Mixes) -> Iterator[Way]:
        """Yield what layer `i` gives, by each of its options in each shape that it may have read."""
        mix, ops = mixes[f"layer_{i}"], list(self.wiring.choices)
        weights = mix.weights.unbind()
        for shape, held in read.items():
            # What is watched twice over has a gradient of 0.
            for k in mix.active if held.watched else (*mix.active, *mix.watched):
                before_it = replace(held, mass=held.mass * weights[k], watched=held.watched or k not in mix.active)
                computed = before_it.then(partial(self._computed, i, ops[k], shape, before=before, mixes=mixes))
                yield Way(shape, self._sizes.after(ops[k], shape), computed)

    def _computed(self, i: int, op: str, shape: Shape, x: Tensor, *, before: Mapping[Shape, State], mixes: Mixes) -> Tensor:
        """Return what an operation of layer `i` gives."""
        if op == IDENTITY:
            return x
        operation = cast("nn.ModuleDict", self[node_id(i)])[f"{op}_{key(shape)}"]
        y: Tensor = operation(x) if op == TRANSITION else operation(before[shape], x, mixes)
        return y

    def _answers(self, given: Sequence[State], n: int, mixes: Mixes) -> Tensor:
        """Return the logits where layer `n` is the last one."""
        state = self[OUTPUT](given[n], {j: given[j] for j in self.wiring.candidates[OUTPUT] if j < n}, mixes)
        answers: Iterator[Tensor] = (
            held.mass * held.then(self[f"classifier_{key(shape)}"]).value for shape, held in state.items()
        )
        return reduce(torch.add, answers)
