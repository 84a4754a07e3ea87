"""The plan to carry out: the likely one if it is exact, else another exact one, else what comes near to one."""

from collections.abc import Callable, Iterable

import torch

from archsmith.models.morphisms.fits import Fit
from archsmith.models.morphisms.kept import Kept
from archsmith.models.morphisms.layers import n_shared, n_taps
from archsmith.models.morphisms.names import alignments
from archsmith.models.morphisms.parent import Parent
from archsmith.models.morphisms.plan import Orders, Plan, plan
from archsmith.models.morphisms.trace import Traced
from archsmith.models.parts import parts_of

_MOST_TRIES = 32
"""How many parts are tried as new ones, one at a time, and how many ways in which names may have moved."""


def likely_plan(parent: Parent, child: Traced, generator: torch.Generator) -> Plan:
    """Return the plan by names, and by what layers read."""
    return plan(parent, child, Orders(), _sharing(generator), None)


def _sharing(generator: torch.Generator) -> Callable[[], float]:
    """Return what draws a share: sixteenths, whose products and sums are exact."""
    return lambda: int(torch.randint(5, 12, (), generator=generator)) / 16


def best_plan(parent: Parent, child: Traced, generator: torch.Generator) -> Plan:
    """Return the first exact plan: the likely one, or one in which a single part is new; else an approximate one."""
    share = _sharing(generator)
    likely = likely_plan(parent, child, generator)
    if likely.same:
        return likely
    moved = [Orders(alignment, copies=False) for alignment in alignments(parent.traced.modules, child.modules)][:_MOST_TRIES]
    # Nothing was put in where there are no more layers than there were.
    suspects = _suspects(likely, parent, child)[:_MOST_TRIES] if len(likely.fits) > len(parent.layers) else []
    for orders in (Orders(copies=False), *moved, *(Orders(new=layers, copies=False) for layers in suspects)):
        if (other := plan(parent, child, orders, share, None)).same:
            return other
    kept = Kept(parent)
    return max((plan(parent, child, orders, share, kept) for orders in (Orders(), *moved)), key=lambda p: inherited(p, child))


def _suspects(likely: Plan, parent: Parent, child: Traced) -> list[frozenset[str]]:
    """Return the layers of each part that does what one of the parent does, and may be a new one instead.

    Those come first that are not just copied: a new part was taken for an old one that it is larger than.
    """
    changed, copied = list[frozenset[str]](), list[frozenset[str]]()
    for layers in by_part(child, likely.fits).values():
        if any(likely.fits[name].source for name in layers):
            as_it_was = all(word(name, likely.fits[name], likely, parent, child) == "copied" for name in layers)
            (copied if as_it_was else changed).append(frozenset(layers))
    return changed + copied


def by_part(child: Traced, layers: Iterable[str]) -> dict[str, list[str]]:
    """Return the layers of each part."""
    parts = parts_of(child.network)
    found: dict[str, list[str]] = {}
    for name in layers:
        ends = (k for k in range(len(name), 0, -1) if k == len(name) or name[k] == ".")
        found.setdefault(next((name[:k] for k in ends if name[:k] in parts), name), []).append(name)
    return found


def inherited(found: Plan, child: Traced) -> tuple[float, float]:
    """Return which share of the child's parameters keeps what the parent computes, and which comes from it at all."""
    sizes = {name: sum(p.numel() for p in module.parameters(recurse=False)) for name, module in child.modules.items()}
    everything = max(1, sum(sizes.values()))
    taken = [name for name, fit in found.fits.items() if fit.way != "fresh" or name in found.orders.zeros]
    exact = sum(sizes[name] for name in taken if found.certain[name])
    return exact / everything, sum(sizes[name] for name in taken) / everything


def word(name: str, fit: Fit, found: Plan, parent: Parent, child: Traced) -> str:
    """Return what was done with a layer."""
    if name in found.orders.zeros:
        return "zero"
    if name in found.orders.shares or fit.way == "part":
        return "split"
    if not fit.source:
        return "deepened" if fit.way == "identity" else "fresh"
    old, new = parent.traced.modules[fit.source], child.modules[name]
    if n_shared(fit.taps) < n_taps(old):
        return "shrunk"
    sizes = [sum(p.numel() for p in module.parameters()) // n_taps(module) for module in (old, new)]
    if sizes[1] != sizes[0]:
        return "widened" if sizes[1] > sizes[0] else "shrunk"
    return "kernel" if n_taps(new) > n_taps(old) else "copied"
