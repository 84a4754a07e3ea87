"""The mixed network of the multi-branch space, where no decision changes a tensor's size: see `archsmith.spaces.mixing`.

Layers that may be the last one are alike in shape, so that what the classifier reads is their weighed sum.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import cast

import numpy as np
from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool, scaled
from archsmith.models.branch import Shape, module_of
from archsmith.models.mixed.derivation import Chosen, Slot
from archsmith.models.mixed.network import MixedStack, Mixes, Mixing, Mixture, weighed
from archsmith.models.mixed.plan import Plan
from archsmith.models.mixed.skips import MixedJoin
from archsmith.models.mixed.under_search import under_search
from archsmith.models.mixed.wiring import LAYERS, OUTPUT, SearchedWiring
from archsmith.spaces.macro.branch import CONVOLUTIONS, STRIDED, BranchSpace
from archsmith.spaces.macro.wiring import STEM, Layer, read_wiring
from archsmith.spaces.macro.wiring_graph import node_id
from archsmith.values import Architecture, Choice


class MixedBranch(MixedStack):
    """The mixed network: what each layer is, what it reads beside the one before it, and which one is the last."""

    space: BranchSpace

    def __init__(self, space: BranchSpace, plan: Plan) -> None:
        choices = {d.name: d.choices for d in space.decisions}
        numbers = tuple(sorted(map(int, choices["layers"])))
        wiring = SearchedWiring(numbers, dict(_everything(choices)), frozenset({"identity"}))
        stem = scaled(space.stem, plan.fidelity.width)
        branches = MixedBranches(wiring, stem, plan.fidelity.width)
        parts = {
            "normalize": plan.normalize,
            "stem": nn.Sequential(nn.Conv2d(plan.input_shape[0], stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem)),
            "layers": branches,
            "relu": nn.ReLU(),
            "global_pool": GlobalPool(),
            "classifier": nn.Linear(branches.shape.channels, plan.n_classes),
        }
        super().__init__(space, list(wiring.points()), parts)
        self.wiring, self.exclusive = wiring, wiring.of_layers
        self.has_prices = len(numbers) == 1

    def options(self, architecture: Architecture) -> Mapping[str, tuple[str, ...]]:
        """Return what each layer is, and which of the connections are there."""
        return self.wiring.options(read_wiring(self.space.assignment(architecture)), _option)

    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Sequence[Slot]:
        """Return a slot a point."""
        return list(self.wiring.slots(probabilities))

    def read(self, chosen: Chosen) -> Architecture:
        """Return the architecture of these layers."""
        return self.space.architecture(self.wiring.read(chosen))


class MixedBranches(nn.ModuleDict, Mixing):
    """The layers between stem and classifier: (B, C_stem, H, W) -> (B, C, H', W'), with C as `shape` says.

    Args:
        wiring: Its points.
        stem: Channels of the stem.
        width: Scales the filters.
    """

    def __init__(self, wiring: SearchedWiring, stem: int, width: float) -> None:
        super().__init__()
        self.wiring = wiring
        shapes = [Shape(stem, 1)]
        for i in range(1, wiring.most + 1):
            main = shapes[-1]
            join = MixedJoin(str(i), main, {j: shapes[j] for j in wiring.candidates.get(str(i), ())})
            layers = {name: _layer(i, choices) for name, choices in wiring.choices.items()}
            filters = {scaled(layer.filters, width) if layer.filters else main.channels for layer in layers.values()}
            strides = {layer.stride for layer in layers.values()}
            if len(filters) > 1 or len(strides) > 1:
                raise ValueError(f"layer {i} changes a tensor's size: channels {sorted(filters)}, strides {sorted(strides)}")
            (c_out,), (stride,) = filters, strides
            self[node_id(i)] = nn.ModuleDict({"join": join, "operation": _operation(i, layers, main.channels, c_out)})
            shapes.append(Shape(c_out, main.shrunk * stride))
        self.shape = shapes[-1]
        self[OUTPUT] = MixedJoin(OUTPUT, self.shape, {j: shapes[j] for j in wiring.candidates[OUTPUT]})

    def forward(self, x: Tensor, mixes: Mixes) -> Tensor:
        """Apply the layers."""
        outputs = [x]
        for i in range(1, self.wiring.deepest(mixes) + 1):
            layer = cast("nn.ModuleDict", self[node_id(i)])
            read = layer["join"]([outputs[-1], *(outputs[j] for j in self.wiring.candidates.get(str(i), ()))], mixes)
            operation = layer["operation"]
            outputs.append(operation(read, mixes) if isinstance(operation, Mixing) else operation(read))
        return self._output(outputs, mixes)

    def _output(self, outputs: Sequence[Tensor], mixes: Mixes) -> Tensor:
        """Return what the classifier reads: the last layer, whichever that is, and those before it that are added."""
        join = cast("nn.ModuleDict", self[OUTPUT])
        if LAYERS not in mixes:
            return join([outputs[-1], *(outputs[j] for j in self.wiring.candidates[OUTPUT])], mixes)  # type: ignore[no-any-return]
        mix, numbers = mixes[LAYERS], self.wiring.numbers
        y = weighed(mix, lambda k: outputs[numbers[k]])
        weights = mix.weights.unbind()
        for j, earlier in enumerate(outputs[:-1]):
            is_before_last = sum(weights[k] for k in (*mix.active, *mix.watched) if numbers[k] > j)
            y = y + is_before_last * join[node_id(j)](earlier, mixes)
        return y


def _everything(choices: Mapping[str, Sequence[Choice]]) -> Iterator[tuple[str, dict[str, Choice]]]:
    """Yield everything that a layer can be, with the name of the option; every layer can be the same."""
    for op in choices["op_1"]:
        names = (("filters", "kernel") if op in CONVOLUTIONS else ()) + (("stride",) if op in STRIDED else ())
        for found in product(*(choices[f"{name}_1"] for name in names)):
            decided = {"op": op, **dict(zip(names, found, strict=True))}
            yield _option(_layer(1, decided)), decided


def _layer(number: int, choices: Mapping[str, Choice]) -> Layer:
    """Return a layer with these choices, whatever it reads."""
    filters = int(choices["filters"]) if "filters" in choices else None
    kernel, stride = int(choices.get("kernel", 3)), int(choices.get("stride", 1))
    return Layer(number, str(choices["op"]), STEM, (), "sum", filters, kernel, stride)


def _option(layer: Layer) -> str:
    """Return the name of an option: `conv_3`, or `identity`."""
    return f"{layer.op}_{layer.kernel}" if layer.op in CONVOLUTIONS else layer.op


def _operation(i: int, layers: Mapping[str, Layer], c_in: int, c_out: int) -> nn.Module:
    """Return the mixture of what layer `i` can be, or the only thing, which is not under search."""
    options = {name: module_of(layer, c_in, c_out) for name, layer in layers.items()}
    if len(options) == 1:
        return next(iter(options.values()))
    return Mixture(f"layer_{i}", {name: under_search(option, c_in) for name, option in options.items()})
