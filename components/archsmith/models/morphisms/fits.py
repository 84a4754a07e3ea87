"""How a layer of the child may come from the parent: candidates, and what each would take from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from archsmith.models.morphisms.channels import NEW, ZERO, Channels, known
from archsmith.models.morphisms.layers import Taps, centre, kind_of, n_shared, n_taps, outputs_of, taps
from archsmith.models.morphisms.parent import Known, Numbers, Parent
from archsmith.models.morphisms.trace import Step, Traced

Way = Literal["same", "part", "identity", "fresh", "like"]
"""From a layer that reads the same, or the next filters of one; as identity; as it was drawn; or from one that is similar."""

Link = tuple[int, int, float]
"""That a channel of the child is read as a channel of the parent is, with the factor to which it is that one."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What a layer of the child takes."""

    way: Way
    """From where."""
    source: str = ""
    """The layer of the parent; none for what is an identity or fresh."""
    rows: tuple[int, ...] = ()
    """For each channel that it gives, which of the source's it is; -1 for none. Of an identity, which of those it reads."""
    columns: tuple[Link, ...] = ()
    """What it reads as what, for layers that mix channels; all others have weights of zero. Else, what it reads a multiple of."""
    taps: Taps = ()
    """Which taps of its kernel are which of the source's."""
    gives: tuple[int, ...] = ()
    """The channels that it gives."""
    exact: bool = True
    """Whether it computes them, or only something similar."""


def mixes(kind: str | None) -> bool:
    """Tell whether a layer of this kind reads all channels for each that it gives."""
    return kind in ("dense", "linear", "transposed")


def same(parent: Parent, source: Known, child: Traced, step: Step, reads: Numbers, *, first: int | None = None) -> Fit | None:
    """Return how a layer does what one of the parent does; None where it can't.

    Args:
        parent: The parent.
        source: Its layer.
        child: The child.
        step: Its layer.
        reads: What that one reads.
        first: The first of the filters to take where it has fewer; None where it must have them all.
    """
    old, new = parent.traced.modules[source.name], child.modules[step.module]
    shared = taps(old, new)
    if shared is None or n_shared(shared) < n_taps(old):
        return None
    if not mixes(source.kind):
        return _by_channel(parent.channels, source, reads, shared)
    columns = links(parent.channels, source.reads, reads)
    if columns is None:
        return None
    n_old, n_new = len(source.gives), step.channels
    if (first is None) == (n_new < n_old) or (first is not None and first + n_new > n_old):
        return None
    rows = tuple(((first or 0) + k) % n_old for k in range(n_new))
    return Fit("same" if first is None else "part", source.name, rows, columns, shared, tuple(source.gives[j] for j in rows))


def links(channels: Channels, old: Sequence[int], new: Sequence[int], *, partly: bool = False) -> tuple[Link, ...] | None:
    """Return which channels of the child are read as which of the parent's; None where one of the parent's is missing.

    Where several channels of both are the same, they are taken in turn.
    """
    wanted, there = _places(channels, old), _places(channels, new)
    if not partly and not wanted.keys() <= there.keys():
        return None
    found: list[Link] = []
    for base, js in wanted.items():
        ks = there.get(base, [])
        pairs = [(ks[i % len(ks)], js[i % len(js)]) for i in range(max(len(ks), len(js)))] if ks else []
        found += [(k, j, channels.scaled(new[k])[0] / channels.scaled(old[j])[0]) for k, j in pairs]
    return tuple(found)


def _places(channels: Channels, numbers: Sequence[int]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {}
    for k, number in known(numbers):
        places.setdefault(channels.scaled(number)[1], []).append(k)
    return places


def _by_channel(channels: Channels, source: Known, reads: Numbers, shared: Taps) -> Fit | None:
    """Return how a layer that reads a channel for each that it gives does what one of the parent does."""
    places: dict[int, list[int]] = {}
    for j, number in enumerate(source.reads):
        places.setdefault(number, []).append(j)
    met: dict[int, int] = {}
    rows, gives, scaled = list[int](), list[int](), list[Link]()
    for k, number in enumerate(reads):
        factor, base = (1.0, number) if number in places else channels.scaled(number)
        js = places.get(base, [])
        turn = met[base] = met.get(base, -1) + 1
        rows.append(js[turn % len(js)] if js else -1)
        if factor != 1 and js:
            scaled.append((k, rows[-1], factor))
        # A normalisation takes the factor away again.
        given = channels.total([source.gives[rows[-1]]], factor if source.kind == "depthwise" else 1.0)
        gives.append(given if js else ZERO if number == ZERO else NEW)
    fit = Fit("same", source.name, tuple(rows), tuple(scaled), shared, tuple(gives))
    return fit if any(j >= 0 for j in rows) else None


def identity(parent: Parent, child: Traced, step: Step, reads: Numbers) -> Fit | None:
    """Return how a layer hands on what it reads; None where it can't, or where that is nothing that the parent computes."""
    module, channels = child.modules[step.module], parent.channels
    kind = kind_of(module)
    if not any(True for _ in known(reads)) or (kind != "norm" and (middle := centre(module)) is None):
        return None
    if kind == "norm":
        return Fit("identity", gives=tuple(reads))
    shared: Taps = tuple(((0, tap),) for tap in middle or ())
    if kind == "depthwise":
        return Fit("identity", taps=shared, gives=tuple(reads))
    # What comes first in a concatenation is what was there before more was joined to it.
    distinct: dict[int, int] = {}
    for _, number in known(reads):
        distinct.setdefault(channels.scaled(number)[1], number)
    passed = [*distinct.values()][: outputs_of(module)]
    rows = tuple(k % len(passed) for k in range(step.channels))
    columns = links(channels, passed, reads) or ()
    return Fit("identity", rows=rows, columns=columns, taps=shared, gives=tuple(passed[j] for j in rows))


def like(parent: Parent, source: Known, child: Traced, step: Step, reads: Numbers, kept: Sequence[int]) -> Fit | None:
    """Return how a layer does about what one of the parent does; None where they have nothing in common.

    What it reads counts as what the other one reads, by the place where it is nothing that the other one reads.

    Args:
        parent: The parent.
        source: Its layer.
        child: The child.
        step: Its layer.
        reads: What that one reads.
        kept: Which filters to keep where it has fewer, ascending.
    """
    shared = taps(parent.traced.modules[source.name], child.modules[step.module], same_stride=False)
    if shared is None or n_shared(shared) == 0:
        return None
    n_old, n_new = len(source.gives), step.channels
    if not mixes(source.kind):
        fit = _by_channel(parent.channels, source, reads, shared)
        rows = fit.rows if fit else tuple(k % n_old for k in range(n_new))
        gives = fit.gives if fit else tuple(source.gives[j] for j in rows)
        return Fit("like", source.name, rows, (), shared, gives, exact=False)
    columns = links(parent.channels, source.reads, reads, partly=True)
    by_place = tuple((k, k, 1.0) for k in range(min(len(source.reads), len(reads))))
    rows = tuple(k % n_old for k in range(n_new)) if n_new >= n_old else tuple(kept)
    return Fit("like", source.name, rows, columns or by_place, shared, tuple(source.gives[j] for j in rows), exact=False)


def fresh(child: Traced, step: Step, reads: Numbers) -> Fit:
    """Return that a layer stays as it was drawn; zeros stay zeros where nothing is added to them."""
    module = child.modules[step.module]
    bias = getattr(module, "bias", None) is not None and kind_of(module) != "norm"
    stays_zero = not bias and all(number == ZERO for number in reads)
    return Fit("fresh", gives=(ZERO if stays_zero else NEW,) * step.channels, exact=stays_zero)


def candidates(parent: Parent, child: Traced, step: Step, reads: Numbers) -> Iterator[Known]:
    """Yield the layers of the parent that may read the same, each once."""
    kind, channels = kind_of(child.modules[step.module]), parent.channels
    bases = dict.fromkeys(channels.scaled(number)[1] for _, number in known(reads))
    names = dict.fromkeys(name for base in bases for name in parent.readers.get(base, ()))
    return (layer for name in names if (layer := parent.layers[name]).kind == kind)
