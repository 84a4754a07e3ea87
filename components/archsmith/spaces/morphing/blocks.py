"""Steps in a space of one's own: which of an architecture's neighbours compute the same, by their layers and blocks.

The layers of two networks are compared one by one, with what is known of each tensor between them. A layer may have more filters
or units, or a larger kernel; a new one must be the identity at first, or add zeros.
"""

from collections.abc import Iterator, Sequence

from archsmith.spaces.blocks.resolve import Joined, Layer, Step
from archsmith.spaces.blocks.yaml_space import YamlSpace
from archsmith.spaces.morphing.kernels import LARGER
from archsmith.spaces.morphing.steps import Morphism, Operation, completed
from archsmith.spaces.morphing.tensors import IMAGE, Tensor, concatenated, passed, projected, replicated, summed
from archsmith.values import Architecture

_RECTIFIED = ("conv", "sepconv", "dilconv", "dense")
"""Layers that end with a ReLU."""
_ORDER: tuple[Operation, ...] = ("deepen", "branch", "widen", "kernel")
"""What a step is called that is several of these: the first."""


def grown(space: YamlSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the exact steps: those of one decision, others that become active taking their first choice."""
    for what, changed in _neighbours(space, architecture):
        operations = compared(space.steps(architecture), space.steps(changed))
        if operations:
            yield Morphism(min(operations, key=_ORDER.index), changed, what)


def shrunk(space: YamlSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the architectures from which exact steps lead here."""
    for what, changed in _neighbours(space, architecture):
        if compared(space.steps(changed), space.steps(architecture)):
            yield Morphism("shrink", changed, what)


def _neighbours(space: YamlSpace, architecture: Architecture) -> Iterator[tuple[str, Architecture]]:
    """Yield the architectures with another choice of one decision."""
    old = space.assignment(architecture)
    for decision in space.decisions:
        for choice in decision.choices if decision.name in old else ():
            if choice != old[decision.name]:
                changed = completed(space, {**old, decision.name: choice}, lambda d: d.choices[0])
                yield f"{decision.name} {old[decision.name]} → {choice}", changed


def compared(old: Sequence[Step], new: Sequence[Step]) -> frozenset[Operation] | None:
    """Return the operations that make of a network one that computes the same; None where there are none that do."""
    found = set[Operation]()
    return frozenset(found) if _sequence(old, new, IMAGE, found) is not None else None


def _sequence(old: Sequence[Step], new: Sequence[Step], x: Tensor, found: set[Operation]) -> Tensor | None:
    """Return what comes of steps that follow each other; None where the new ones can't do what the old ones did."""
    k, here = 0, x
    for step in new:
        noted = set[Operation]()
        after = _step(old[k], step, here, noted) if k < len(old) else None
        if after is not None:
            k += 1
        else:
            noted = {"deepen"}
            after = _inserted(step, here)
        if after is None:
            return None
        found |= noted
        here = after
    return here if k == len(old) else None


def _step(old: Step, new: Step, x: Tensor, found: set[Operation]) -> Tensor | None:
    if isinstance(old, Joined):
        return _joined(old, new, x, found) if isinstance(new, Joined) else None
    if isinstance(new, Joined) or old.settings.get("stride", 1) != new.settings.get("stride", 1):
        return None
    given = old.settings.get("filters", old.settings.get("units"))
    taken = new.settings.get("filters", new.settings.get("units"))
    if (given is None) != (taken is None) or not _has_kernel(old, new, found):
        return None
    n, larger = (x.n, len(x.copied)) if given is None else (int(given), int(taken or 0))
    if larger < n:
        return None
    found |= {"widen"} if given is not None and larger > n else set()
    return _layer(old, new, x, replicated(n, larger), found)


def _has_kernel(old: Layer, new: Layer, found: set[Operation]) -> bool:
    """Tell whether a layer is of another one's kind, with a kernel that is as large or larger."""
    before, after = (int(layer.settings.get("kernel", 1)) for layer in (old, new))
    grows = new.op in LARGER.get(old.op, ()) or (before < after and old.op == new.op and old.op not in ("maxpool", "avgpool"))
    found |= {"kernel"} if grows else set()
    dilations = {layer.settings.get("dilation") for layer in (old, new)}
    return (grows or (old.op == new.op and before == after)) and (len(dilations) == 1 or before == 1)


def _layer(old: Layer, new: Layer, x: Tensor, y: Tensor, found: set[Operation]) -> Tensor | None:
    """Return what comes of a layer, which is `y` where it mixes all channels."""
    if old.op in _RECTIFIED:
        return replicated(y.n, len(y.copied), not_negative=True)
    if old.op in ("maxpool", "avgpool"):
        return x
    if old.op == "batchnorm":
        return x.negative()
    if old.op == "relu":
        return x if x == IMAGE else Tensor(x.n, x.copied, not_negative=True)
    if old.op == "mbconv":
        return _bottleneck(old, new, x, y, found)
    if "_pool_" in old.op:
        return projected(x, y.n, len(y.copied))
    if old.op in ("identity", "skip_connect", "se"):
        return _passing(old, x, y)
    return y


def _passing(layer: Layer, x: Tensor, y: Tensor) -> Tensor | None:
    """Return what comes of a layer that has a convolution only where it changes the number of channels, or the sides."""
    halves = layer.settings.get("stride", 1) != 1
    if halves and layer.op != "se":  # it has two convolutions, and so two families of copies
        return y if len(y.copied) == y.n else None
    has = [halves or x == IMAGE or before != after for before, after in ((x.n, y.n), (len(x.copied), len(y.copied)))]
    if has[0] != has[1] or (x == IMAGE and len(y.copied) != y.n):
        return None
    if has[0]:
        return y
    return x if layer.op != "se" or x.is_aligned else None


def _bottleneck(old: Layer, new: Layer, x: Tensor, y: Tensor, found: set[Operation]) -> Tensor | None:
    """Return what comes of an inverted bottleneck."""
    before, after = (int(layer.settings["expansion"]) for layer in (old, new))
    gated = [bool(layer.settings["se"]) for layer in (old, new)]
    if before > after or (before == 1 != after) or gated == [True, False]:
        return None
    found |= {"widen"} if before < after else set()
    found |= {"branch"} if gated == [False, True] else set()
    steps = old.settings["stride"] == 1 and x != IMAGE
    has = [steps and a == b for a, b in ((x.n, y.n), (len(x.copied), len(y.copied)))]
    is_exact = has[0] == has[1] and (not has[0] or x.copied == y.copied) and (x != IMAGE or len(y.copied) == y.n)
    return y if is_exact else None


def _joined(old: Joined, new: Joined, x: Tensor, found: set[Operation]) -> Tensor | None:
    """Return what comes of branches that come together."""
    if old.join != new.join or len(old.branches) != len(new.branches):
        return None
    tensors = [_sequence(a, b, x, found) for a, b in zip(old.branches, new.branches, strict=True)]
    given = [tensor for tensor in tensors if tensor is not None]
    if len(given) < len(tensors) or (IMAGE in given and found):
        return None
    return concatenated(given) if old.join == "concat" else summed(given)


def _inserted(step: Step, x: Tensor) -> Tensor | None:
    """Return what comes of a new step that hands its input on at first; None where it can't."""
    larger = len(x.copied)
    if isinstance(step, Joined):
        body, shortcut = step.branches if step.join == "residual" else ((), ())
        return x if x != IMAGE and not shortcut and _adds_zeros(body, larger) else None
    if step.op == "batchnorm":
        return x
    if step.settings.get("stride", 1) != 1 or x == IMAGE:
        return None
    filters = int(step.settings.get("filters", step.settings.get("units", larger)))
    if step.op == "mbconv" or step.op in ("identity", "skip_connect"):
        return x if filters == larger else None
    hands_on = step.op == "relu" or step.op in _RECTIFIED or "conv_" in step.op
    return passed(x, filters) if hands_on and x.not_negative and filters >= len(set(x.copied)) else None


def _adds_zeros(body: Sequence[Step], channels: int) -> bool:
    """Tell whether the last layers of a branch can give zeros of so many channels, of the sides that come in."""
    filters = channels
    for step in body:
        if isinstance(step, Joined) or step.settings.get("stride", 1) != 1:
            return False
        filters = int(step.settings.get("filters", filters))
    last = next((step.op for step in reversed(body) if isinstance(step, Layer) and not _keeps_zeros(step.op)), "")
    return filters == channels and (last in _RECTIFIED or last == "batchnorm" or "conv_" in last)


def _keeps_zeros(op: str) -> bool:
    return op in ("relu", "identity", "skip_connect", "maxpool", "avgpool") or "_pool_" in op
