"""What stands where in the networks of a space, as far as time goes: which modules, on inputs of which shapes.

Two places whose modules and inputs are alike take the same time, so that the networks of a space, however many, consist of
some dozens or hundreds of different operations. They are found on torch's `meta` device, where nothing takes memory or time.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from archsmith.errors import UnbuildableError
from archsmith.models import build
from archsmith.models.cost import FULL
from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.prices import prices
from archsmith.models.mixed.under_search import NormedPool
from archsmith.models.parts import parts_of
from archsmith.spaces.mixing import unmixable, unpriceable
from archsmith.spaces.space import Space
from archsmith.values import Architecture

PATIENCE = 50
"""A space is drawn from until so many networks in a row have nothing that those before lack."""
MOST = 300
"""Networks that are drawn at most: where layers take any number of channels, each has something new."""

OPTION = "(an option)"
"""Stands for the name of a part where an operation is in no network alone, but among others in the network of all options."""

InputShape = tuple[int, int, int]
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A module, and what it is applied to."""

    module: nn.Module
    """As in a network of its own; its tensors are of no importance, and may be on `meta`."""
    arguments: Any
    """What it is called with, in `meta` tensors of a batch of one."""
    structure: str
    """What it is, in torch's words."""
    output: tuple[int, ...]
    """Shape of what comes out, of a batch of one."""

    @property
    def inputs(self) -> Shapes:
        """Shapes of the tensors that go in, of a batch of one."""
        return _shapes(self.arguments)

    @property
    def key(self) -> str:
        """What is the same for all operations that take the same time, and for no others."""
        return sha256(f"{self.structure} {self.inputs} {self.output}".encode()).hexdigest()[:16]


def operation(module: nn.Module, input_shape: tuple[int, ...]) -> Operation:
    """Return a module as an operation on one input.

    Args:
        module: On any device; it is copied. Where it is weighed against others, it counts as it would in a network of its own.
        input_shape: (C, H, W), without the batch.
    """
    alone = deployed(module)
    x = torch.zeros(1, *input_shape, device="meta")
    with torch.no_grad():
        return Operation(alone, (x,), _structure(alone), tuple(alone(x).shape))


def deployed(module: nn.Module) -> nn.Module:
    """Return a copy on `meta` as in a network that stands alone: poolings are not normalised, all else has scale and shift."""
    copied = nn.Sequential(copy.deepcopy(module)).to("meta").eval()
    for parent in list(copied.modules()):
        for name, child in parent.named_children():
            if isinstance(child, NormedPool):
                setattr(parent, name, child.pool)
            elif isinstance(child, nn.BatchNorm2d) and not child.affine:
                child.affine = True
                child.weight, child.bias = (nn.Parameter(torch.empty(child.num_features, device="meta")) for _ in range(2))
    (alone,) = copied
    if isinstance(alone, nn.Sequential) and len(alone) and isinstance(alone[0], nn.Identity):
        alone[0] = nn.ReLU()  # which a mixture applies once for all of its options
    return alone


Known = dict[tuple[str, Shapes], Operation]
"""Operations by their structure and their inputs."""


def operations_of(network: nn.Module, input_shape: InputShape, known: Known | None = None) -> list[tuple[str, Operation]]:
    """Return the operations of a network that stands alone, each with the name of its part, in the order of their calls.

    Args:
        network: What `archsmith.models.build` has made, on `meta`; it is left of no further use.
        input_shape: Channels, height and width.
        known: Operations whose output needs no computing, which even on `meta` takes its time; what is new is added.
    """
    known, found = {} if known is None else known, list[tuple[str, Operation]]()

    def watch(name: str, part: nn.Module) -> None:
        structure, compute = _structure(part), part.forward

        def forward(*arguments: Any) -> Tensor:
            key = structure, _shapes(arguments)
            if key not in known:
                kept = copy.copy(part)
                del kept.forward  # the class's own is left
                known[key] = Operation(kept, tree_map(_fresh, arguments), structure, tuple(compute(*arguments).shape))
            found.append((name, known[key]))
            return torch.empty(known[key].output, device="meta")

        part.forward = forward

    for name, part in parts_of(network).items():
        watch(name, part)
    with torch.no_grad():
        network.eval()(torch.zeros(1, *input_shape, device="meta"))
    return found


def _structure(module: nn.Module) -> str:
    return " ".join(repr(module).split())


def _shapes(arguments: Any) -> Shapes:
    return tuple(tuple(leaf.shape) for leaf in tree_leaves(arguments) if isinstance(leaf, Tensor))


def _fresh(value: Any) -> Any:
    return torch.empty_like(value) if isinstance(value, Tensor) else value


@dataclass(frozen=True, slots=True)
class Inventory:
    """The operations of the networks of a space."""

    operations: Mapping[str, Operation]
    """Each by its key, in the order of the networks."""
    places: Mapping[str, Sequence[str]]
    """The names of the parts where each has been seen, by its key."""
    complete: bool
    """Whether what is left out is rare; else the networks that were drawn last still had something new."""


def take_inventory(
    space: Space,
    input_shape: InputShape,
    n_classes: int,
    rng: np.random.Generator,
    *,
    patience: int = PATIENCE,
    most: int = MOST,
) -> Inventory:
    """Return the operations of the networks of a space, at full fidelity.

    Of a small space, all networks are looked at. Of others, some are drawn until `patience` of them in a row bring nothing new,
    so that what is left out is rare, or until there are `most`. Where a network can hold all options of every choice at once,
    these are among the operations too.

    Args:
        space: The space.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        rng: Source of the architectures.
        patience: See above.
        most: See above.

    Raises:
        UnbuildableError: No architecture that was drawn has a network at this input.
    """
    operations, places, position = dict[str, Operation](), dict[str, dict[str, None]](), dict[str, float]()
    known: Known = {}
    idle, error = 0, None
    for architecture in islice(_some(space, patience, rng), most):
        if idle == patience:
            break
        idle += 1
        try:
            network = build_on_meta(space, architecture, input_shape, n_classes)
        except UnbuildableError as unbuildable:
            error = unbuildable
            continue
        inside = operations_of(network, input_shape, known)
        for k, (name, found) in enumerate(inside):
            key = found.key
            if key not in operations:
                idle, operations[key] = 0, found
            places.setdefault(key, {})[name] = None
            position[key] = min(k / len(inside), position.get(key, 1.0))
    if error and not operations:
        raise error
    for option in _options(space, input_shape, n_classes):
        if option.key not in operations:
            operations[option.key], position[option.key], places[option.key] = option, 1.0, {OPTION: None}
    ordered = sorted(operations, key=position.__getitem__)
    complete = idle == patience or space.size() <= patience
    return Inventory({key: operations[key] for key in ordered}, {key: sorted(places[key]) for key in ordered}, complete)


def _some(space: Space, few: int, rng: np.random.Generator) -> Iterator[Architecture]:
    """Yield all architectures of a space that has few, and samples of a larger one without end."""
    if space.size() <= few:
        yield from space.enumerate()
    else:
        while True:
            yield space.sample(rng)


def _options(space: Space, input_shape: InputShape, n_classes: int) -> list[Operation]:
    """Return the operations that stand side by side in the mixed network of a space; none where these have no prices."""
    found: list[Operation] = []
    if unmixable(space) is None and unpriceable(space) is None:

        def note(module: nn.Module, shape: tuple[int, ...]) -> float:
            found.append(operation(module, shape))
            return 0.0

        with torch.device("meta"):
            prices(build_mixed(space, input_shape, n_classes, fidelity=FULL), input_shape, note)
    return found


def build_on_meta(space: Space, architecture: Architecture, input_shape: InputShape, n_classes: int) -> nn.Module:
    """Return the network of an architecture at full fidelity, without memory."""
    with torch.device("meta"):
        return build(space, architecture, input_shape, n_classes, fidelity=FULL)
