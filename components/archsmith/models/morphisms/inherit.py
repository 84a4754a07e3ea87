"""From a trained network to one of another architecture: each layer by whichever operation fits."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from archsmith.models.morphisms.calibrate import NewNorm, calibrate
from archsmith.models.morphisms.carry import carry, scale, silence
from archsmith.models.morphisms.choice import best_plan, by_part, inherited, word
from archsmith.models.morphisms.layers import kind_of
from archsmith.models.morphisms.parent import Parent, numbered
from archsmith.models.morphisms.plan import Plan
from archsmith.models.morphisms.trace import Traced, UntraceableError, trace

ROUNDING = 1e-4
"""By how much logits may differ from the parent's and still be the same, as a share of the largest one."""
_RANKS = ("copied", "widened", "kernel", "deepened", "split", "shrunk", "fresh", "zero")
"""What is said of a part: the last of what is said of its layers."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a network has got from another one."""

    exact: float
    """Share of its parameters that came by operations that keep what the network computes, in [0, 1]."""
    approximate: float
    """Share of its parameters that came by others, in [0, 1]."""
    same: bool
    """Whether it computes what the other one does, in evaluation mode and up to rounding."""
    operations: Mapping[str, str]
    """What was done, by the name of the part: `copied`, `widened`, `kernel`, `deepened`, `zero`, `split`, `shrunk` or `fresh`."""


@torch.no_grad()
def inherit(parent: nn.Module, child: nn.Module, *, images: Tensor, generator: torch.Generator) -> Inherited:
    """Give `child` the weights of `parent`, as far as they fit.

    Where the two can compute the same, they do. Else each layer takes what it can from the one in its place.

    Args:
        parent: A trained network, on the CPU. It is left as it is, in evaluation mode.
        child: One of another architecture, or of the same, with fresh weights, on the CPU; these are changed in place.
        images: Training images as both take them, (B, C, H, W), float32 in [0, 1], for the statistics of new normalisations.
        generator: Draws what is random in it; on the CPU.
    """
    was_training = child.training
    parent.eval()
    child.eval()
    try:
        old, new = numbered(trace(parent, images[:1])), trace(child, images[:1])
        found = best_plan(old, new, generator)
    except UntraceableError as error:
        told = _by_shape(parent, child, images, str(error))
        child.train(was_training)
        return told
    carry_out(found, old, new, images, generator)
    same = found.same and _agree(parent, child, images)
    child.train(was_training)
    return _told(found, old, new, same=same)


def carry_out(found: Plan, parent: Parent, child: Traced, images: Tensor, generator: torch.Generator) -> None:
    """Set all weights and statistics of the child."""
    norms: dict[str, NewNorm] = {}
    for name, fit in found.fits.items():
        layer, factor = child.modules[name], found.orders.shares.get(name, 1.0)
        carry(fit, parent.traced.modules[fit.source] if fit.source else None, layer, generator)
        if kind_of(layer) == "norm" and (fit.way in ("identity", "fresh") or -1 in fit.rows):
            new = tuple(row < 0 for row in fit.rows) if fit.rows else (True,) * len(fit.gives)
            norms[name] = NewNorm(new, fit.way == "identity", factor)
        if name in found.orders.zeros:
            silence(layer)
        elif factor != 1:
            scale(layer, factor)
    calibrate(child.network, norms, images)


def _agree(parent: nn.Module, child: nn.Module, images: Tensor) -> bool:
    """Tell whether two networks give the same logits, up to rounding."""
    want, got = parent(images), child(images)
    return bool((got - want).abs().max() <= ROUNDING * want.abs().max())


def _told(found: Plan, parent: Parent, child: Traced, *, same: bool) -> Inherited:
    """Return what was done."""
    exact, taken = inherited(found, child)
    words = {name: word(name, fit, found, parent, child) for name, fit in found.fits.items()}
    said = {part: max((words[name] for name in names), key=_RANKS.index) for part, names in by_part(child, found.fits).items()}
    return Inherited(exact, taken - exact, same, said)


def _by_shape(parent: nn.Module, child: nn.Module, images: Tensor, why: str) -> Inherited:
    """Give a network that can't be traced the tensors of equal names and shapes (Real 2017)."""
    old, new = parent.state_dict(), child.state_dict()
    fitting = {name for name, value in new.items() if name in old and old[name].shape == value.shape}
    for name in fitting:
        new[name].copy_(old[name])
    sizes = {name: p.numel() for name, p in child.named_parameters()}
    share = sum(n for name, n in sizes.items() if name in fitting) / max(1, sum(sizes.values()))
    same = fitting == new.keys() == old.keys() and _agree(parent, child, images)
    return Inherited(share if same else 0.0, 0.0 if same else share, same, {"network": f"equal names and shapes: {why}"})
