"""Count the architectures of a space, exactly and without listing them.

Decisions that do not depend on each other are counted apart, and their numbers multiplied: a decision is taken choice by
choice, and what is left falls into parts, of which each depends only on what is ruled out in it. A part that comes again
with the same ruled out is counted once. A chain of 20 layers has about 10^30 architectures and some thousand such parts.
Counts are Python integers.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from archsmith.spaces.decisions.conditions import RulesOut
from archsmith.spaces.decisions.decisions import Decision
from archsmith.values import Choice

Part = tuple[int, int]
"""Some decisions, and which of them are ruled out: a bit a decision, the first one the lowest."""


class Counts:
    """How many ways there are to complete an architecture."""

    def __init__(self, decisions: Sequence[Decision], rules_out: RulesOut) -> None:
        self._decisions = decisions
        self._masks = [{c: mask << (k + 1) for c, mask in masks.items()} for k, masks in enumerate(rules_out)]
        """Which decisions each choice rules out."""
        self._all = (1 << len(decisions)) - 1
        self._near = _near(self._masks)
        self._parts: dict[int, list[int]] = {}
        self._ways: dict[Part, int] = {}

    @property
    def total(self) -> int:
        """Architectures in all."""
        return math.prod(self._ways_of((part, 0)) for part in self._apart(self._all))

    def at(self, index: int) -> tuple[Choice | None, ...]:
        """Return the choices of the architecture at `index`, in the order of enumeration.

        Args:
            index: From 0 to `total` - 1.
        """
        off, found, ways = 0, list[Choice | None](), self.total
        for k, decision in enumerate(self._decisions):
            part = self._apart(self._all >> k << k)[0]  # that of this decision, which is the first of those that are left
            beside, left = ways // self._ways_of((part, off & part)), self._apart(part & (part - 1))
            for choice in (None,) if off >> k & 1 else decision.choices:
                ruled_out = off | self._masks[k][choice]
                ways = beside * math.prod(self._ways_of((each, ruled_out & each)) for each in left)
                if index < ways:
                    break
                index -= ways
            found.append(choice)
            off = ruled_out
        return tuple(found)

    def _ways_of(self, wanted: Part) -> int:
        """Return how many ways there are to take the decisions of a part."""
        if wanted in self._ways:
            return self._ways[wanted]
        waiting = [wanted]  # instead of recursion: a chain of conditions may be long
        while waiting:
            part = waiting[-1]
            after = list(self._after(part)) if part not in self._ways else []
            missing = [each for _, parts in after for each in parts if each not in self._ways]
            if missing:
                waiting += missing
                continue
            if part not in self._ways:
                self._ways[part] = sum(n * math.prod(self._ways[each] for each in parts) for n, parts in after)
            waiting.pop()
        return self._ways[wanted]

    def _after(self, part: Part) -> Iterator[tuple[int, list[Part]]]:
        """Yield how many choices of the first decision of a part leave which parts."""
        decisions, off = part
        k = (decisions & -decisions).bit_length() - 1
        choices = (None,) if off >> k & 1 else self._decisions[k].choices
        left = self._apart(decisions & (decisions - 1))
        for mask, n in Counter(self._masks[k][choice] for choice in choices).items():
            yield n, [(each, (off | mask) & each) for each in left]

    def _apart(self, decisions: int) -> list[int]:
        """Return these decisions in parts that do not depend on each other."""
        if decisions not in self._parts:
            found, left = [], decisions
            while left:
                part, new = 0, left & -left
                while new:
                    part |= new
                    new = _union(self._near[k] for k in _bits(new)) & decisions & ~part
                found.append(part)
                left &= ~part
            self._parts[decisions] = found
        return self._parts[decisions]


def _near(masks: Sequence[dict[Choice | None, int]]) -> list[int]:
    """Return of each decision those that it may rule out, and those that may rule it out."""
    near = [_union(its.values()) for its in masks]
    for k, later in enumerate(list(near)):
        for j in _bits(later):
            near[j] |= 1 << k
    return near


def _union(masks: Iterable[int]) -> int:
    whole = 0
    for mask in masks:
        whole |= mask
    return whole


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1
