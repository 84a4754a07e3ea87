"""Count the architectures of a space, exactly and without listing them.

Dynamic programming from the last decision to the first: how many ways there are to go on depends
only on the mask of `conditions`, that is, on which of the later decisions are ruled out. A chain of
20 layers has about 10^30 architectures and some thousand such masks. Counts are Python integers.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from archsmith.spaces.decisions.conditions import RulesOut
from archsmith.spaces.decisions.decisions import Decision
from archsmith.values import Choice


class Counts:
    """How many ways there are to complete an architecture from each point of a walk."""

    def __init__(self, decisions: Sequence[Decision], rules_out: RulesOut) -> None:
        self._decisions = decisions
        self._rules_out = rules_out
        self._ways = _ways(_reachable(decisions, rules_out), decisions, rules_out)

    @property
    def total(self) -> int:
        """Architectures in all."""
        return self._ways[0][0]

    def at(self, index: int) -> tuple[Choice | None, ...]:
        """Return the choices of the architecture at `index`, in the order of enumeration.

        Args:
            index: From 0 to `total` - 1.
        """
        off, found = 0, list[Choice | None]()
        for k, decision in enumerate(self._decisions):
            choice: Choice | None = None
            after = off >> 1
            if not off & 1:
                for choice in decision.choices:
                    ways = self._ways[k + 1][after | self._rules_out[k][choice]]
                    if index < ways:
                        break
                    index -= ways
            found.append(choice)
            off = after | self._rules_out[k][choice]
        return tuple(found)


def integer_below(limit: int, rng: np.random.Generator) -> int:
    """Draw a Python integer uniformly from 0 to `limit` - 1; `limit` may be of any size."""
    bits = (limit - 1).bit_length()
    n_bytes = -(-bits // 8)
    while True:
        drawn = int.from_bytes(rng.bytes(n_bytes), "little") >> (8 * n_bytes - bits)
        if drawn < limit:
            return drawn


def _steps(decision: Decision, rules_out: dict[Choice | None, int]) -> tuple[Counter[int], Counter[int]]:
    """Return how many choices have each mask, for an active decision and for one that is not."""
    return Counter(rules_out[c] for c in decision.choices), Counter([rules_out[None]])


def _reachable(decisions: Sequence[Decision], rules_out: RulesOut) -> list[set[int]]:
    """Return the masks that a walk can have before each decision, and after the last one."""
    levels = [{0}]
    for decision, masks in zip(decisions, rules_out, strict=True):
        steps = _steps(decision, dict(masks))
        levels.append({off >> 1 | mask for off in levels[-1] for mask in steps[off & 1]})
    return levels


def _ways(levels: list[set[int]], decisions: Sequence[Decision], rules_out: RulesOut) -> list[dict[int, int]]:
    """Return, for each mask before each decision, how many ways there are to go on."""
    ways = [{0: 1}]
    for level, decision, masks in zip(levels[-2::-1], decisions[::-1], rules_out[::-1], strict=True):
        steps = _steps(decision, dict(masks))
        after = ways[-1]
        ways.append({off: sum(n * after[off >> 1 | mask] for mask, n in steps[off & 1].items()) for off in level})
    return ways[::-1]
