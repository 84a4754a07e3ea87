"""The most probable architectures of a space, one after the other, the best first.

A space says in slots what there is to decide. A slot counts only where it has a meaning, such as the operation of a layer that
is there; elsewhere it costs nothing, as if its most probable way were taken. So an architecture is as probable as the best of all
settings of the points that lead to it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from archsmith.values import Choice

Chosen = Mapping[str, Choice]
"""What has been decided, by name."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What is decided at once."""

    ways: Sequence[Chosen]
    """How it can be decided, the most probable one first; at least one."""
    costs: Sequence[float]
    """Of each way, by how much its log probability is less than that of the first: ascending from 0."""
    has_meaning: Callable[[Chosen], bool]
    """Whether it has a meaning, given what has been decided before it."""


def slot(ways: Sequence[Chosen], log_probabilities: np.ndarray, has_meaning: Callable[[Chosen], bool] = lambda _: True) -> Slot:
    """Return a slot with its ways in order; of equally probable ones, the first given comes first.

    Args:
        ways: How it can be decided.
        log_probabilities: (n_ways,), of each; they need not be normalised.
        has_meaning: See `Slot`; left out, it always has one.
    """
    order = np.argsort(-log_probabilities, kind="stable")
    costs = log_probabilities[order[0]] - log_probabilities[order]
    return Slot([ways[k] for k in order], costs.tolist(), has_meaning)


def logs(probabilities: np.ndarray) -> np.ndarray:
    """Return logarithms that are finite, so that what is impossible comes last, and in an order."""
    return np.log(np.maximum(probabilities.astype(np.float64), np.finfo(np.float64).tiny))


def best_first(slots: Sequence[Slot]) -> Iterator[dict[str, Choice]]:
    """Yield every combination of ways, by ascending sum of their costs; among equal ones, earlier ways of earlier slots first.

    It looks at no more than a few partial combinations for each that it yields: any can be completed at no further cost.
    """
    # Entries: cost, ranks of the ways so far, cost and choices without the last of them.
    heap: list[tuple[float, tuple[int, ...], float, dict[str, Choice]]] = [(0.0, (), 0.0, {})]
    while heap:
        cost, ranks, before, chosen = heappop(heap)
        if ranks:
            last, rank = slots[len(ranks) - 1], ranks[-1]
            if last.has_meaning(chosen):
                if rank + 1 < len(last.ways):
                    heappush(heap, (before + last.costs[rank + 1], (*ranks[:-1], rank + 1), before, chosen))
                chosen = {**chosen, **last.ways[rank]}
        if len(ranks) == len(slots):
            yield chosen
        else:
            heappush(heap, (cost, (*ranks, 0), cost, chosen))
