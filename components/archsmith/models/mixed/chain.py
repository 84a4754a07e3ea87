"""The mixed network of the chain space, where no decision changes a tensor's size: see `archsmith.spaces.mixing`.

Each layer is a point, whose options are all operations with all kernels; a layer that a network need not have has one more, which
passes its input on. Those are alike in shape, so that in what is derived the layers that stay move up to the front.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from torch import nn

from archsmith.models.blocks import GlobalPool, scaled
from archsmith.models.chain import layer_of
from archsmith.models.mixed.derivation import Chosen, Slot, logs, slot
from archsmith.models.mixed.network import MixedStack, Mixture, Point
from archsmith.models.mixed.plan import Plan
from archsmith.models.mixed.under_search import under_search
from archsmith.models.parts import Parts
from archsmith.spaces.chain import CONVOLUTIONS, ChainSpace
from archsmith.values import Architecture, Choice

SKIP = "skip"
"""The option that passes its input on."""

Options = Mapping[str, Mapping[str, Choice]]
"""What a layer can be, by the name of the option: its choices without its number; none where it is not there."""


class MixedChain(MixedStack):
    """The mixed network; its points are `layer_1`, ... and `dense_1`, ..., those where something is decided."""

    space: ChainSpace

    def __init__(self, space: ChainSpace, plan: Plan) -> None:
        choices = {d.name: d.choices for d in space.decisions}
        layers = _numbered("layer", choices["layers"], {_option(layer): layer for layer in _layers(choices)})
        dense = _numbered("dense", choices["dense"], {"dense": {"units": choices.get("units_1", (0,))[0]}})
        points = [
            Point(name, tuple(options), frozenset({SKIP} & set(options)))
            for name, options in (layers | dense).items()
            if len(options) > 1
        ]
        super().__init__(space, points, {"normalize": plan.normalize, **_parts(layers, dense, plan)})
        self.layers, self.dense = layers, dense

    def options(self, architecture: Architecture) -> Mapping[str, tuple[str, ...]]:
        """Return what each layer is; those that the network has are the first ones."""
        chosen = self.space.assignment(architecture)
        there = {f"layer_{i}": (_option(chosen, f"_{i}"),) for i in range(1, int(chosen["layers"]) + 1)}
        there |= {f"dense_{j}": ("dense",) for j in range(1, int(chosen["dense"]) + 1)}
        return {p.name: there.get(p.name, (SKIP,)) for p in self.points}

    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Sequence[Slot]:
        """Return a slot a point."""
        return [slot([{p.name: option} for option in p.options], logs(probabilities[p.name])) for p in self.points]

    def read(self, chosen: Chosen) -> Architecture:
        """Return the architecture of these layers, those that are left out not counted."""
        found: dict[str, Choice] = {}
        for what, places in (("layers", self.layers), ("dense", self.dense)):
            options = [options[str(chosen.get(name, next(iter(options))))] for name, options in places.items()]
            there = [option for option in options if option]
            found[what] = len(there)
            found |= {f"{name}_{i}": choice for i, option in enumerate(there, start=1) for name, choice in option.items()}
        return self.space.architecture(found)


def _option(chosen: Mapping[str, Choice], i: str = "") -> str:
    """Return the name of the option that is chosen for a layer: `conv_3`."""
    return f"{chosen[f'op{i}']}_{chosen[f'kernel{i}'] if f'kernel{i}' in chosen else chosen[f'pool{i}']}"


def _layers(choices: Mapping[str, Sequence[Choice]]) -> Iterator[dict[str, Choice]]:
    """Yield everything that a layer can be; every layer can be the same."""
    for op in choices["op_1"]:
        names = ("filters", "kernel", "stride") if op in CONVOLUTIONS else ("pool", "stride")
        for found in product(*(choices[f"{name}_1"] for name in names)):
            yield {"op": op, **dict(zip(names, found, strict=True))}


def _numbered(what: str, numbers: Sequence[Choice], options: Options) -> dict[str, Options]:
    """Return the options of each of so many layers, with one more where there need not be so many."""
    least, most = min(map(int, numbers)), max(map(int, numbers))
    return {f"{what}_{i}": {**options, **({SKIP: {}} if i > least else {})} for i in range(1, most + 1)}


def _parts(layers: Mapping[str, Options], dense: Mapping[str, Options], plan: Plan) -> Parts:
    """Build the parts that follow the normalisation."""
    channels, height, width = plan.input_shape
    side = min(height, width)
    parts: dict[str, nn.Module] = {}
    for i, (name, options) in enumerate(layers.items(), start=1):
        built: dict[str, nn.Module] = {}
        after = channels, side
        for option, choices in options.items():
            built[option] = nn.Identity()
            if choices:
                decided = {f"{what}_{i}": choice for what, choice in choices.items()}
                built[option], *sizes = layer_of(decided, i, channels, side, plan.fidelity.width)
                after = sizes[0], sizes[1]
        parts[name] = _mixed(name, built, channels)
        channels, side = after
    parts["global_pool"] = GlobalPool()
    for name, options in dense.items():
        units = scaled(int(options["dense"]["units"]), plan.fidelity.width)
        built = {"dense": nn.Sequential(nn.Linear(channels, units), nn.ReLU(inplace=True))}
        parts[name] = _mixed(name, built | ({SKIP: nn.Identity()} if SKIP in options else {}), channels)
        channels = units
    return {**parts, "classifier": nn.Linear(channels, plan.n_classes)}


def _mixed(name: str, options: Mapping[str, nn.Module], c_in: int) -> nn.Module:
    """Return the mixture of options, or the only one, which is not under search."""
    if len(options) == 1:
        return next(iter(options.values()))
    return Mixture(name, {option: under_search(module, c_in) for option, module in options.items()})
