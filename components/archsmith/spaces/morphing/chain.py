"""Steps in the chain-structured space: more filters and units, larger kernels, layers put in between.

A new layer is exact as the identity: with a stride of 1, at least as many filters as come in, and after the first
convolution, as its ReLU takes away what is negative.
"""

from collections.abc import Iterator

from archsmith.spaces.chain import CONVOLUTIONS, ChainSpace
from archsmith.spaces.morphing.steps import Chosen, Morphism, choices_of, larger, smaller
from archsmith.values import Architecture, Choice

_LAYER = ("op", "filters", "kernel", "pool", "stride")
_DENSE = ("units",)


def grown(space: ChainSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the exact steps."""
    old = space.assignment(architecture)
    yield from larger(space, old, {"filters_": "widen", "units_": "widen", "kernel_": "kernel"})
    yield from _deeper(space, old)
    yield from _denser(space, old)


def shrunk(space: ChainSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield fewer filters and units, smaller kernels, and one layer less."""
    old = space.assignment(architecture)
    yield from smaller(space, old, ("filters_", "units_", "kernel_"))
    for count, what, names in (("layers", "layer", _LAYER), ("dense", "dense layer", _DENSE)):
        n = int(old[count])
        for i in range(1, n + 1) if n - 1 in choices_of(space, count) else ():
            without = space.architecture({**_moved(old, names, i + 1, -1), count: n - 1})
            yield Morphism("shrink", without, f"without {what} {i}")


def _deeper(space: ChainSpace, old: Chosen) -> Iterator[Morphism]:
    """Yield each convolution that is the identity at first: one for each operation and kernel, with the fewest filters."""
    n = int(old["layers"])
    if n + 1 not in choices_of(space, "layers"):
        return
    channels = 0
    for i in range(2, n + 2):
        channels = int(old.get(f"filters_{i - 1}", channels))
        filters = _fewest(space, f"filters_{i}", channels)
        if filters is None or 1 not in choices_of(space, f"stride_{i}"):
            continue
        moved = _moved(old, _LAYER, i, 1)
        for op in (op for op in choices_of(space, f"op_{i}") if op in CONVOLUTIONS):
            for kernel in choices_of(space, f"kernel_{i}"):
                layer: dict[str, Choice] = {f"op_{i}": op, f"filters_{i}": filters, f"kernel_{i}": kernel, f"stride_{i}": 1}
                deeper = space.architecture({**moved, **layer, "layers": n + 1})
                yield Morphism("deepen", deeper, f"layer {i}: {op} {kernel}x{kernel}, {filters}")


def _denser(space: ChainSpace, old: Chosen) -> Iterator[Morphism]:
    """Yield each dense layer that is the identity at first, with the fewest units."""
    n, channels = int(old["dense"]), _last_filters(old)
    if n + 1 not in choices_of(space, "dense"):
        return
    for j in range(1, n + 2):
        channels = int(old.get(f"units_{j - 1}", channels))
        units = _fewest(space, f"units_{j}", channels)
        if units is not None:
            denser = space.architecture({**_moved(old, _DENSE, j, 1), f"units_{j}": units, "dense": n + 1})
            yield Morphism("deepen", denser, f"dense layer {j}: {units}")


def _last_filters(old: Chosen) -> int:
    """Return the filters of the last convolution, 0 where there is none."""
    return next((int(old[f"filters_{i}"]) for i in range(int(old["layers"]), 0, -1) if f"filters_{i}" in old), 0)


def _fewest(space: ChainSpace, name: str, channels: int) -> Choice | None:
    """Return the smallest choice that has room for so many channels; None where there is none, or no channel is known."""
    enough = [choice for choice in choices_of(space, name) if int(choice) >= channels > 0]
    return min(enough, key=int, default=None)


def _moved(old: Chosen, names: tuple[str, ...], first: int, by: int) -> dict[str, Choice]:
    """Return the choices with the layers from number `first` on moved by so many places; those that they come upon are gone."""
    numbered = {f"{name}_{i}": i for name in names for i in range(1, len(old) + 1)}
    moved = {f"{name.rpartition('_')[0]}_{i + by}": old[name] for name, i in numbered.items() if name in old and i >= first}
    gone = range(first + by, first) if by < 0 else range(0)
    kept = {name: choice for name, choice in old.items() if numbered.get(name, 0) < first and numbered.get(name) not in gone}
    return {**kept, **moved}
