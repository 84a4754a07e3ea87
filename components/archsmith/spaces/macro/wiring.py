"""Which layer of a multi-branch network reads which, from the decisions that `wiring_decisions` makes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from archsmith.values import Choice

STEM = 0
"""The number of the stem, which comes before layer 1."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with what it reads."""

    number: int
    """From 1; it reads smaller ones, and the stem."""
    op: str
    """Its operation."""
    main: int
    """The input that it always has, which gives the number of channels to a sum."""
    skips: tuple[int, ...]
    """Its other inputs, all before `main` unless layers between were left out."""
    join: str
    """`sum` or `concat`: how several inputs become one. Without skips it has no meaning."""
    filters: int | None = None
    """Filters, or channels of a cell's node; None for an operation that keeps the channels of `main`."""
    kernel: int = 3
    """Height and width of its kernel or its pooling's window; 3 where that is not decided on."""
    stride: int = 1
    """1 for an operation that keeps height and width."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """All that it reads, the main input first."""
        return (self.main, *self.skips)


@dataclass(frozen=True, slots=True)
class Wiring:
    """The layers of a network and what its classifier reads."""

    layers: tuple[Layer, ...]
    """At least one, in the order of their numbers."""
    skips: tuple[int, ...]
    """What the classifier reads beside the layers that no other layer reads."""
    join: str
    """`sum` or `concat`, for what the classifier reads."""

    @property
    def loose_ends(self) -> tuple[int, ...]:
        """The layers that no other layer reads, the last one first."""
        read = {source for layer in self.layers for source in layer.inputs}
        return tuple(layer.number for layer in reversed(self.layers) if layer.number not in read)

    @property
    def inputs(self) -> tuple[int, ...]:
        """All that the classifier reads, the last layer first."""
        ends = self.loose_ends
        return (*ends, *(j for j in self.skips if j not in ends))


def read_wiring(chosen: Mapping[str, Choice]) -> Wiring:
    """Return the wiring that an architecture's assignment describes."""
    layers = int(chosen["layers"])
    # Loose ends alone are concatenated, as in section 3.3 of Zoph and Le.
    join = "sum" if chosen.get("join_output") == "sum" else "concat"
    return Wiring(tuple(_layer(chosen, i) for i in range(1, layers + 1)), read_skips(chosen, "output", layers), join)


def _layer(chosen: Mapping[str, Choice], i: int) -> Layer:
    """Return layer `i`."""
    main = int(chosen.get(f"input_{i}", i - 1))
    return Layer(
        number=i,
        op=str(chosen[f"op_{i}"]),
        main=main,
        skips=read_skips(chosen, str(i), main),
        join=str(chosen.get(f"join_{i}", "none")),
        filters=int(chosen[f"filters_{i}"]) if f"filters_{i}" in chosen else None,
        kernel=int(chosen.get(f"kernel_{i}", 3)),
        stride=int(chosen.get(f"stride_{i}", 1)),
    )


def read_skips(chosen: Mapping[str, Choice], reader: str, main: int, first: int = STEM) -> tuple[int, ...]:
    """Return which outputs from `first` on, before its main input, a reader joins to that one, latest first."""
    if chosen.get(f"join_{reader}", "none") == "none":
        return ()
    # With one output alone before the main input, the decision to join is the decision to read it.
    return (first,) if main == first + 1 else tuple(j for j in reversed(range(first, main)) if chosen[f"skip_{reader}_{j}"])


def keep(wiring: Wiring, kept: Collection[int]) -> Wiring:
    """Return the wiring without some layers: who reads one of those reads what its main input was instead.

    Args:
        wiring: Of the whole network.
        kept: Numbers of the layers to keep, at least one.
    """
    standing = {STEM: STEM}
    for layer in wiring.layers:
        standing[layer.number] = layer.number if layer.number in kept else standing[layer.main]
    layers = tuple(_rerouted(layer, standing) for layer in wiring.layers if layer.number in kept)
    return replace(wiring, layers=layers, skips=tuple(_distinct(wiring.skips, standing)))


def _rerouted(layer: Layer, standing: Mapping[int, int]) -> Layer:
    """Return the layer reading what stands for its inputs, each once."""
    main = standing[layer.main]
    return replace(layer, main=main, skips=tuple(j for j in _distinct(layer.skips, standing) if j != main))


def _distinct(numbers: Collection[int], standing: Mapping[int, int]) -> Iterator[int]:
    """Yield what stands for the numbers, each once, in their order."""
    yield from dict.fromkeys(standing[j] for j in numbers)
