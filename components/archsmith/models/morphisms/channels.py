"""Numbers for what channels hold: the same number, the same function of the image.

This is value numbering as compilers do it (Cocke, Schwartz 1970), channel by channel. A channel is a sum of terms, each a
factor times an *atom*: a channel that some layer of the parent gives, or a function of one. So an addition merges terms, what
is linear goes to each of them, and a concatenation, a slice, a replication just move numbers.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

NEW = -1
"""The number of all channels that hold something which the parent does not compute."""
ZERO = 0
"""The number of a channel of zeros."""
HALF = 1
"""The number of a channel that is 1/2 everywhere: a sigmoid of zeros."""

Terms = tuple[tuple[int, float], ...]
"""Factors of atoms, by the atoms' numbers, in ascending order."""

_LINEAR = frozenset(
    {"getitem", "mean", "pad", "avg_pool2d", "GlobalPool", "AvgPool2d", "AdaptiveAvgPool2d", "ZeroPad2d", "ReplicationPad2d",
     "Flatten"}
)  # fmt: skip
"""Functions of a sum which are the sum of the functions."""
_OF_CONSTANTS = frozenset({"getitem", "mean", "GlobalPool", "AdaptiveAvgPool2d", "Flatten"})
"""Functions of a constant which are that constant; at the border, others see zeros."""
_SCALABLE = _LINEAR | {"relu", "MaxPool2d", "max_pool2d"}
"""Functions of a positive multiple which are the multiple of the function."""
_MONOTONE = _SCALABLE | {"sigmoid", "ReLU6", "relu6"}
"""Functions which take what is nowhere negative to what is nowhere negative, and zeros to zeros but for the sigmoid."""
_CAPPED = ("ReLU6", "relu6")


def kind_of(function: Hashable) -> str:
    """Return which function it is, without its settings."""
    return str(function[0]) if isinstance(function, tuple) else str(function)


@dataclass
class Channels:
    """The numbers given so far."""

    terms: list[Terms] = field(default_factory=lambda: [(), ((HALF, 1.0),)])
    """What each number stands for."""
    _numbers: dict[Terms, int] = field(default_factory=dict)
    _atoms: dict[Hashable, int] = field(default_factory=dict)
    _not_negative: set[int] = field(default_factory=lambda: {ZERO, HALF})
    _capped: set[int] = field(default_factory=lambda: {ZERO, HALF})

    def atom(self, what: Hashable, *, not_negative: bool = False, capped: bool = False) -> int:
        """Return the number of a channel that is no sum."""
        if what not in self._atoms:
            number = self._atoms[what] = len(self.terms)
            self.terms.append(((number, 1.0),))
            self._not_negative |= {number} if not_negative else set()
            self._capped |= {number} if capped else set()
        return self._atoms[what]

    def total(self, numbers: Sequence[int], factor: float = 1.0) -> int:
        """Return the number of a multiple of the sum of channels."""
        if NEW in numbers:
            return NEW
        if factor == 1 and len(seen := [n for n in numbers if n != ZERO]) <= 1:
            return seen[0] if seen else ZERO
        sums: dict[int, float] = {}
        for atom, f in (term for number in numbers for term in self.terms[number]):
            sums[atom] = sums.get(atom, 0.0) + factor * f
        return self._sum(tuple(sorted((atom, round(f, 9)) for atom, f in sums.items() if abs(f) > 1e-9)))

    def product(self, a: int, b: int) -> int:
        """Return the number of the product of two channels."""
        if NEW in (a, b):
            return NEW
        if ZERO in (a, b):
            return ZERO
        if HALF in (a, b):
            return self.total([b if a == HALF else a], 0.5)
        (f, a), (g, b) = self.scaled(a), self.scaled(b)
        return self.total([self.atom(("product", *sorted((a, b))), not_negative={a, b} <= self._not_negative)], f * g)

    def apply(self, function: Hashable, number: int) -> int:
        """Return the number of a function of a channel."""
        kind = kind_of(function)
        if number == NEW or kind == "identity":
            return number
        if kind == "sigmoid" and number == ZERO:
            return HALF
        if (number == ZERO and kind in _MONOTONE) or (number == HALF and kind in _OF_CONSTANTS):
            return number
        if (kind == "relu" and number in self._not_negative) or (kind in _CAPPED and number in self._capped):
            return number
        factor, base = self.scaled(number)
        if kind in _LINEAR and len(self.terms[base]) > 1:
            return self.total([self.total([self._applied(function, a)], f) for a, f in self.terms[number]])
        if factor != 1 and factor > 0 and kind in _SCALABLE:
            return self.total([self._applied(function, base)], factor)
        return self._applied(function, number)

    def scaled(self, number: int) -> tuple[float, int]:
        """Return a channel as a factor and a channel whose first term has the factor 1; zeros, and what is new, as they are."""
        if number in (NEW, ZERO) or (factor := self.terms[number][0][1]) == 1:
            return 1.0, number
        return factor, self.total([number], 1 / factor)

    def is_not_negative(self, number: int) -> bool:
        """Tell whether a channel is known to be nowhere negative."""
        return number in self._not_negative

    def _applied(self, function: Hashable, number: int) -> int:
        kind = kind_of(function)
        known = number in self._not_negative and kind in _MONOTONE
        capped = kind in _CAPPED or kind == "sigmoid" or (number in self._capped and kind in _LINEAR | {"MaxPool2d"})
        return self.atom((function, number), not_negative=known or kind in ("relu", "sigmoid", *_CAPPED), capped=capped)

    def _sum(self, terms: Terms) -> int:
        if not terms:
            return ZERO
        if len(terms) == 1 and terms[0][1] == 1:
            return terms[0][0]
        if terms not in self._numbers:
            number = self._numbers[terms] = len(self.terms)
            self.terms.append(terms)
            if all(f > 0 and atom in self._not_negative for atom, f in terms):
                self._not_negative.add(number)
        return self._numbers[terms]


def known(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield place and number of the channels that hold something which the parent computes, and no zeros."""
    return ((k, number) for k, number in enumerate(numbers) if number not in (NEW, ZERO))
