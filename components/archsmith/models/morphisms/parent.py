"""The channels of a trained network: each by a number of its own, unless it is the same as another one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from archsmith.models.blocks import Normalize
from archsmith.models.morphisms.channels import NEW, ZERO, Channels
from archsmith.models.morphisms.layers import Kind, kind_of
from archsmith.models.morphisms.trace import Step, Traced, UntraceableError

Numbers = list[int]
"""The number of each channel of a tensor."""


@dataclass(frozen=True, slots=True)
class Known:
    """A layer of the parent."""

    name: str
    """Its dotted name."""
    kind: Kind
    """What it is."""
    reads: Numbers
    """The channels that it reads."""
    gives: Numbers
    """The channels that it gives."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A trained network whose channels are numbered."""

    traced: Traced
    """The network."""
    channels: Channels
    """The numbers."""
    numbers: tuple[Numbers, ...]
    """Those of the tensor of each step."""
    layers: Mapping[str, Known]
    """Its layers with weights, by name."""
    n_numbers: int
    """Smaller numbers are of channels that it computes, or that these are made of."""
    readers: Mapping[int, list[str]] = field(default_factory=dict)
    """The layers that may be what reads a channel, up to a factor."""

    @property
    def output(self) -> Numbers:
        """Its logits."""
        return self.numbers[-1]

    def computes(self, number: int) -> bool:
        """Tell whether a channel is one of those that it computes."""
        return ZERO < number < self.n_numbers


def numbered(traced: Traced) -> Parent:
    """Give the channels of a network their numbers.

    Raises:
        UntraceableError: It has a layer with weights that is not known here.
    """
    channels, layers = Channels(), dict[str, Known]()

    def layer(step: Step, reads: Numbers) -> Numbers:
        kind = kind_of(traced.modules[step.module])
        if kind is None:
            raise unknown_layer(traced, step)
        gives = [channels.atom((step.module, k)) for k in range(step.channels)]
        layers[step.module] = Known(step.module, kind, reads, gives)
        return gives

    numbers = walk(traced, channels, layer)
    return Parent(traced, channels, tuple(numbers), layers, len(channels.terms), _readers(layers.values(), channels))


def _readers(layers: Iterable[Known], channels: Channels) -> dict[int, list[str]]:
    """Return the layers by a channel that they read: all that mix channels by the first one alone, as they need each."""
    readers: dict[int, list[str]] = {}
    for layer in layers:
        bases = dict.fromkeys(channels.scaled(number)[1] for number in layer.reads if number != ZERO)
        for base in list(bases) if layer.kind in ("norm", "depthwise") else list(bases)[:1]:
            readers.setdefault(base, []).append(layer.name)
    return readers


def unknown_layer(traced: Traced, step: Step) -> UntraceableError:
    """Return the error for a layer with weights that is none of the known kinds."""
    return UntraceableError(f"{step.module!r}, a {type(traced.modules[step.module]).__name__}, is not known here")


def walk(
    traced: Traced,
    channels: Channels,
    layer: Callable[[Step, Numbers], Numbers],
    joined: Callable[[int, Sequence[Numbers]], None] = lambda _, __: None,
) -> list[Numbers]:
    """Return the numbers of the tensors of all steps of a network.

    Args:
        traced: The network.
        channels: Gives the numbers.
        layer: Gives those of a layer with weights, from those that it reads.
        joined: Is told the place of each sum and product, and all numbers up to there.
    """
    numbers: list[Numbers] = []
    for k, step in enumerate(traced.steps):
        taken = [numbers[i] for i in step.inputs]
        if step.op == "module" and (normalize := _normalize(traced, step)) is not None:
            here = [channels.apply(normalize, number) for number in taken[0]]
        elif step.op == "module":
            here = layer(step, taken[0])
        else:
            here = _plain(step, taken, channels)
        numbers.append(here)
        if step.op in ("add", "mul"):
            joined(k, numbers)
    return numbers


def _normalize(traced: Traced, step: Step) -> object | None:
    """Return what the normalisation of images does; None for another module."""
    module = traced.modules[step.module]
    if not isinstance(module, Normalize):
        return None
    return (type(module).__name__, tuple((name, tuple(value.flatten().tolist())) for name, value in module.named_buffers()))


def _plain(step: Step, taken: Sequence[Numbers], channels: Channels) -> Numbers:
    """Return the numbers after a step without weights."""
    if step.op == "input":
        return [channels.atom(("image", k)) for k in range(step.channels)]
    if step.op == "zero":
        return [ZERO] * step.channels
    if step.op == "cat":
        return [number for numbers in taken for number in numbers]
    if step.op == "slice":
        return taken[0][step.first : step.first + step.channels]
    if step.op in ("add", "mul"):
        a, b = (numbers * (step.channels // len(numbers)) for numbers in taken)
        both = zip(a, b, strict=True)
        return [channels.total([x, y]) if step.op == "add" else channels.product(x, y) for x, y in both]
    if step.op == "output":
        return taken[0]
    if len(taken[0]) != step.channels:
        return [NEW] * step.channels
    return [channels.apply(step.key, number) for number in taken[0]]
