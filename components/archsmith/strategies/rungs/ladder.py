"""The fidelities that trials climb: from the lowest, each `eta` times the cost of the one before, to that of the search.

Everything that decides how many rungs and brackets there are is computed in whole numbers and fractions: the logarithm of
1,000 to the base 10 is 2.9999999999999996 to a computer, which would lose a rung.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Self

from pydantic import Field, model_validator

from archsmith.spec import Config
from archsmith.spec import Fraction as Share
from archsmith.values import Fidelity

ROUNDING = 1e-9
"""Full trainings by which a sum of costs may miss a budget."""

POWERS = {"epochs": 1, "data": 1, "width": 2, "depth": 1, "resolution": 2}
"""The power of each part of a fidelity in what it costs."""

DIGITS = 4
"""Decimals of a fidelity between the lowest and the full one, so that it reads well and is the same on every machine."""


class Lowest(Config):
    """The lowest fidelity of a search with rungs: what is not named is as in `estimation` on all rungs.

    Several parts may be named, and then grow side by side.
    """

    epochs: Annotated[int, Field(ge=1)] | None = None
    """Passes over the training images."""
    data: Share | None = None
    """Fraction of the training images."""
    width: Share | None = None
    """Multiplier of the numbers of filters and units. A trial begins anew on each rung, as its network grows; except in the
    space `chain`, where it is widened exactly if it has more epochs too."""
    depth: Share | None = None
    """Multiplier of the number of layers or cells. A trial begins anew on each rung, as its network grows."""
    resolution: Share | None = None
    """Multiplier of the images' height and width."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.parts:
            raise ValueError(f"no part of the fidelity is named, but at least one must be: {', '.join(POWERS)}")
        return self

    @property
    def parts(self) -> dict[str, float]:
        """What is named, and its lowest value."""
        return {part: value for part in POWERS if (value := getattr(self, part)) is not None}


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of a search, and what trials cost on them."""

    rungs: tuple[Fidelity, ...]
    """Their fidelities, the cheapest first; two or more."""
    widens: bool
    """Whether trained weights can be widened exactly in the space of the search."""

    def __getitem__(self, k: int) -> Fidelity:
        return self.rungs[k]

    def __len__(self) -> int:
        return len(self.rungs)

    @property
    def top(self) -> int:
        """The highest rung."""
        return len(self.rungs) - 1

    def goes_on(self, k: int) -> bool:
        """Tell whether a trial goes on from its weights when it leaves rung `k`."""
        return goes_on(self[k], self[k + 1], widens=self.widens)

    def cost(self, k: int, *, begins: bool) -> float:
        """Return what a trial on rung `k` costs, in full trainings; less where it goes on from the rung below."""
        paid = self[k - 1].epochs if not begins and self.goes_on(k - 1) else 0
        return (self[k].epochs - paid) * self[k].cost_an_epoch / self[self.top].cost

    def climb(self, first: int, last: int, *, begins: bool) -> float:
        """Return what an architecture costs from rung `first` to rung `last`, both included, in full trainings.

        It begins on the first of them, or comes from the rung below.
        """
        return math.fsum(self.cost(k, begins=begins and k == first) for k in range(first, last + 1))


def ladder(full: Fidelity, lowest: Lowest, eta: int) -> tuple[Fidelity, ...]:
    """Return the fidelities of the rungs, the cheapest first; the last one is `full`, and each costs 1/eta of the next.

    With one part, the rung k below the top has 1/eta^k of what it costs. Several share it: each falls by the same share of
    the way to its lowest value. Epochs are rounded down. As in Hyperband, the first rung may cost more than `lowest`, but
    less than eta times as much.

    Raises:
        ValueError: `lowest` is above `full`, or so close to it that there is but one rung.
    """
    ratios = {part: Fraction(str(getattr(full, part))) / Fraction(str(value)) for part, value in lowest.parts.items()}
    for part, ratio in ratios.items():
        if ratio < 1:
            raise ValueError(
                f"`lowest.{part}` is {lowest.parts[part]:g}, but must be at most that of `estimation`, which is "
                f"{getattr(full, part):g}; a trial of the lowest rung is to be cheaper than a full one"
            )
    cheaper = math.prod((ratio ** POWERS[part] for part, ratio in ratios.items()), start=Fraction(1))
    below = n_steps(cheaper, eta)
    if not below:
        raise ValueError(
            f"a trial at `lowest` is {float(cheaper):.3g} times as cheap as one in full, but must be at least `eta` times, which "
            f"is {eta}, for there to be two rungs; take a lower `lowest`, a smaller `eta`, or more in `estimation`"
        )
    return (*(_rung(full, lowest, ratios, k, eta) for k in range(below, 0, -1)), full)


def goes_on(before: Fidelity, after: Fidelity, *, widens: bool = False) -> bool:
    """Tell whether a trial goes on from its weights between two rungs: epochs are added, and the network stays as it is.

    Where a space `widens`, it may also become wider.
    """
    as_wide = before.width == after.width or (widens and before.width < after.width)
    return before.epochs < after.epochs and before.depth == after.depth and as_wide


def grows(before: Fidelity, after: Fidelity) -> bool:
    """Tell whether the network of a trial grows between two rungs."""
    return (before.width, before.depth) != (after.width, after.depth)


def within(cost: float, left: float) -> bool:
    """Tell whether what is left of a budget is enough, both in full trainings."""
    return cost <= left + ROUNDING


def n_steps(ratio: Fraction | int, eta: int) -> int:
    """Return the largest k for which eta^k <= ratio, which is >= 1."""
    k = 0
    while eta ** (k + 1) <= ratio:
        k += 1
    return k


def _rung(full: Fidelity, lowest: Lowest, ratios: dict[str, Fraction], k: int, eta: int) -> Fidelity:
    """Return the fidelity that costs 1/eta^k of the full one."""
    falling = {part: ratio for part, ratio in ratios.items() if ratio > 1}
    if list(falling) == ["epochs"]:
        return _with(full, {"epochs": full.epochs // eta**k})
    # Each part falls to ratio^-way of its full value; together they cost cheaper^-way = eta^-k.
    way = k * math.log(eta) / sum(POWERS[part] * math.log(ratio) for part, ratio in falling.items())
    values = {part: getattr(full, part) * float(ratio) ** -way for part, ratio in falling.items()}
    return _with(full, {part: _rounded(part, value, lowest.parts[part]) for part, value in values.items()})


def _rounded(part: str, value: float, least: float) -> float:
    """Round a part of a fidelity down, so that no rung costs more than its share."""
    if part == "epochs":
        return max(int(least), math.floor(round(value, DIGITS)))
    steps: int = 10**DIGITS
    return max(least, math.floor(round(value * steps, DIGITS)) / steps)


def _with(full: Fidelity, parts: dict[str, float]) -> Fidelity:
    return Fidelity(**{**full.to_dict(), **parts})
