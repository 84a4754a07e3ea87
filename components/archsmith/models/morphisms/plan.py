"""What each layer of the child takes from the parent: a walk along the child's steps, which knows what each channel holds.

A layer that reads what a layer of the parent reads does what that one does. Another one becomes the identity. An addition
whose sum the parent does not have, but would have without what a new layer gives, has that layer give zeros; and one whose
sum is a multiple of what the parent has is of copies, which get shares that add up to 1. Then the walk begins again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from archsmith.models.morphisms.channels import ZERO
from archsmith.models.morphisms.fits import Fit, candidates, fresh, identity, like, mixes, same
from archsmith.models.morphisms.layers import kind_of as kind_of_layer
from archsmith.models.morphisms.names import FREE, SAME_PLACE, SIBLING, UNMOVED, Alignment, claims, nearness
from archsmith.models.morphisms.origins import Origins
from archsmith.models.morphisms.parent import Known, Numbers, Parent, unknown_layer, walk
from archsmith.models.morphisms.trace import Step, Traced


@dataclass(frozen=True, slots=True)
class Orders:
    """What a walk must do."""

    alignment: Alignment = UNMOVED
    """What its layers are called in the parent."""
    copies: bool = True
    """Whether a new layer beside one of the same kind does what that one does."""
    new: frozenset[str] = frozenset()
    """The layers that do what none of the parent's does."""
    zeros: frozenset[str] = frozenset()
    """The layers that give zeros."""
    idle: frozenset[str] = frozenset()
    """The layers that only these read, which stay as they were drawn."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """By how much the layers that give copies scale them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What each layer of the child takes from the parent."""

    fits: Mapping[str, Fit]
    """By the layer's name."""
    orders: Orders
    """What was asked for."""
    certain: Mapping[str, bool]
    """Whether a layer computes, of what the parent does, exactly the channels that it is said to."""
    same: bool
    """Whether the logits are the same numbers."""


class _Again(Exception):  # noqa: N818  -- no error: the walk begins again with other orders
    def __init__(self, orders: Orders) -> None:
        super().__init__()
        self.orders = orders


Share = Callable[[], float]
"""Draws the first of two shares which add up to 1."""


def plan(parent: Parent, child: Traced, orders: Orders, share: Share, kept: Callable[[Known, int], Sequence[int]] | None) -> Plan:
    """Return what each layer takes.

    Args:
        parent: The parent.
        child: The child.
        orders: What it must do.
        share: Draws the shares of copies.
        kept: Which filters of a layer are kept if there are only so many; None where everything must be exact.

    Raises:
        UntraceableError: The child has a layer with weights that is not known here.
    """
    for _ in range(len(child.steps)):
        try:
            return _Walk(parent, child, orders, share, kept).plan()
        except _Again as again:
            orders = again.orders
    return _Walk(parent, child, orders, share, kept, mends=False).plan()


class _Walk:
    """One walk along the child's steps."""

    def __init__(
        self,
        parent: Parent,
        child: Traced,
        orders: Orders,
        share: Share,
        kept: Callable[[Known, int], Sequence[int]] | None,
        *,
        mends: bool = True,
    ) -> None:
        self.parent, self.child, self.orders, self.share, self.kept, self.mends = parent, child, orders, share, kept, mends
        self.fits: dict[str, Fit] = {}
        self.taken: dict[str, set[int]] = {}
        self.origins = Origins(child, self.fits)
        layers = (step.module for step in child.steps if step.op == "module")
        named = {orders.alignment.in_parent(name): name for name in layers if not orders.alignment.is_new(name)}
        self.claims = claims(parent.layers, named)

    def plan(self) -> Plan:
        """Walk, and return what has come of it."""
        numbers = walk(self.child, self.parent.channels, self._layer, self._joined)
        exact = numbers[-1] == self.parent.output and all(fit.way != "like" for fit in self.fits.values())
        return Plan(self.fits, self.orders, self._certain(), exact)

    def _layer(self, step: Step, reads: Numbers) -> Numbers:
        """Choose what a layer takes, and return the channels that it gives."""
        if kind_of_layer(self.child.modules[step.module]) is None:
            raise unknown_layer(self.child, step)
        name, orders = step.module, self.orders
        fit = fresh(self.child, step, reads) if name in orders.idle else next(self._ways(step, reads))
        if name in orders.zeros:
            fit = Fit("fresh", gives=(ZERO,) * step.channels)
        if name in orders.shares:
            gives = tuple(self.parent.channels.total([number], orders.shares[name]) for number in fit.gives)
            fit = Fit(fit.way, fit.source, fit.rows, fit.columns, fit.taps, gives, fit.exact)
        self.fits[name] = fit
        self.taken.setdefault(fit.source, set()).update(fit.rows)
        return list(fit.gives)

    def _ways(self, step: Step, reads: Numbers) -> Iterator[Fit]:
        """Yield what a layer may take, the most likely first: a layer of its own name or place, one of no other's, others."""
        near, far = list[Known](), list[Known]()
        found = [] if self._is_new(step.module) else candidates(self.parent, self.child, step, reads)
        for known in sorted(found, key=lambda known: self._nearness(known, step)):
            (near if self._nearness(known, step) <= (SIBLING if self.orders.copies else FREE) else far).append(known)
        for known in near:
            yield from self._as(known, step, reads)
        yield from self._about(step, reads)
        if (passed := identity(self.parent, self.child, step, reads)) is not None:
            yield passed
        for known in far:
            yield from self._as(known, step, reads)
        yield fresh(self.child, step, reads)

    def _as(self, known: Known, step: Step, reads: Numbers) -> Iterator[Fit]:
        """Yield what a layer may take of one of the parent's: all of it, or where everything must be exact, a part."""
        if (fit := same(self.parent, known, self.child, step, reads)) is not None:
            yield fit
        if self.kept is not None:
            return
        first = len(self.taken.get(known.name, ()))
        if mixes(known.kind) and (fit := same(self.parent, known, self.child, step, reads, first=first)) is not None:
            yield fit

    def _about(self, step: Step, reads: Numbers) -> Iterator[Fit]:
        """Yield what a layer may take of a similar one, where not everything must be exact."""
        if self.kept is None or self._is_new(step.module):
            return
        kind = kind_of_layer(self.child.modules[step.module])
        found = (
            known for known in self.parent.layers.values() if known.kind == kind and self._nearness(known, step) <= SAME_PLACE
        )
        for known in sorted(found, key=lambda known: self._nearness(known, step)):
            kept = self.kept(known, min(step.channels, len(known.gives)))
            if (fit := like(self.parent, known, self.child, step, reads, kept)) is not None:
                yield fit

    def _nearness(self, known: Known, step: Step) -> int:
        claimed = partial(self._claimed, by=step.module)
        return nearness(known.name, self.orders.alignment.in_parent(step.module), self.parent.layers, claimed)

    def _claimed(self, name: str, *, by: str) -> bool:
        """Tell whether another layer needs a layer of the parent, or may do so yet."""
        layer, known = self.claims.get(name), self.parent.layers.get(name)
        if known is not None and 0 < len(self.taken.get(name, ())) < len(known.gives):
            return False  # the rest of its filters must be somewhere
        return layer not in (None, by) and (layer not in self.fits or self.fits[layer].source == name)

    def _is_new(self, name: str) -> bool:
        return name in self.orders.new or self.orders.alignment.is_new(name)

    def _joined(self, place: int, numbers: Sequence[Numbers]) -> None:
        """Begin again where a sum or a product shows what must give zeros, or shares."""
        step, here = self.child.steps[place], numbers[place]
        if not self.mends or any(self.parent.computes(number) for number in here):
            return
        a, b = step.inputs
        for left, dropped in ((a, b), (b, a)):
            known = all(number == ZERO or self.parent.computes(number) for number in numbers[left]) and any(numbers[left])
            if known and not self._leads(dropped, left):
                self._without(dropped, gate=step.op == "mul")
        if step.op == "add":
            self._shared(step.inputs, numbers)

    def _leads(self, place: int, to: int) -> bool:
        """Tell whether a step stands on the way to another one, which zeros for the one would silence, too."""
        seen = {to}
        for k in range(to, place, -1):
            if k in seen:
                seen.update(self.child.steps[k].inputs)
        return place in seen

    def _without(self, place: int, *, gate: bool) -> None:
        """Begin again with zeros for a tensor, or with 1/2 for a gate, if new layers make it."""
        zeros, orders = self.origins.of_zeros(place, gate=gate), self.orders
        if zeros and not zeros <= orders.zeros:
            idle = orders.idle.union(*(self.origins.before(layer) for layer in zeros))
            raise _Again(replace(orders, zeros=orders.zeros | zeros, idle=idle - zeros))

    def _shared(self, places: Sequence[int], numbers: Sequence[Numbers]) -> None:
        """Begin again with shares for two tensors, if each is the same multiple of the same."""
        channels = self.parent.channels
        a, b = ({channels.scaled(number)[0] for number in numbers[place]} for place in places)
        bases = [[channels.scaled(number)[1] for number in numbers[place]] for place in places]
        layers = [self.origins.of_shares(place) for place in places]
        if bases[0] != bases[1] or len(a) != 1 or len(b) != 1 or not layers[0] or not layers[1]:
            return
        if not all(self.parent.computes(number) for number in bases[0]):
            return
        share = self.share()
        factors = dict.fromkeys(layers[0], share / a.pop()) | dict.fromkeys(layers[1], (1 - share) / b.pop())
        shares = {**self.orders.shares, **{name: factor * self.orders.shares.get(name, 1.0) for name, factor in factors.items()}}
        raise _Again(replace(self.orders, shares=shares))

    def _certain(self) -> dict[str, bool]:
        """Return of each layer whether all that leads to it is exact, and itself."""
        doubtful: list[bool] = []
        certain: dict[str, bool] = {}
        for step in self.child.steps:
            doubt = any(doubtful[i] for i in step.inputs)
            if step.module in self.fits:
                fit = self.fits[step.module]
                certain[step.module] = fit.exact and not doubt
                doubt = not certain[step.module] and any(self.parent.computes(number) for number in fit.gives)
            doubtful.append(doubt)
        return certain
