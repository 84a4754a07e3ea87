"""Rungs without brackets: whatever is among the best 1/eta of its rung so far goes on, and no rung is waited for.

Reference: Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning (arXiv:1810.05934), Algorithm 2.
"""

from collections.abc import Iterator, Sequence

from archsmith.strategies.rungs.board import Place, Rank, Rung
from archsmith.strategies.rungs.schedule import Rise
from archsmith.values import Architecture, Fidelity, Proposal, Trial


class Asynchronous:
    """The schedule of ASHA.

    Args:
        eta: 1/eta of those on a rung go on.
        ladder: The fidelities of the rungs.
    """

    def __init__(self, eta: int, ladder: Sequence[Fidelity]) -> None:
        self._eta = eta
        self._ladder = ladder
        self._rungs = [Rung() for _ in ladder]
        self._last: dict[Architecture, int] = {}
        self._closed = False

    def put(self, proposal: Proposal, trial: Trial | None, rank: Rank) -> bool:
        """Note a proposal: of a new architecture on the lowest rung, else on the next one of its own."""
        rung = self._last.get(proposal.architecture, -1) + 1
        if rung == len(self._ladder) or proposal.fidelity != self._ladder[rung]:
            return False
        self._rungs[rung].add(Place(proposal, trial, rank))
        if rung:
            self._rungs[rung - 1].rise(proposal.architecture)
        self._last[proposal.architecture] = rung
        return True

    def rise(self) -> Rise | None:
        """Return the best of the highest rung that has one to go on (lines 12-18)."""
        top = self._top()
        for k in range(top - 1, -1, -1):
            rung = self._rungs[k]
            best = rung.best(self._due(k))
            if (place := next(rung.left(best), None)) is not None:
                return Rise(place, k + 1, best.index(place) + 1, rung.ended)
        return None

    def opening(self) -> int:
        """Return the lowest rung (line 19)."""
        return 0

    def close(self) -> None:
        """Let the best of all go on to the top, however few there are."""
        self._closed = True

    def may_rise(self) -> Iterator[tuple[Place, int]]:
        """Yield all that has a value: as more and more worse ones come, each is among the best."""
        for k, rung in enumerate(self._rungs[:-1]):
            yield from ((place, k) for place in rung.left(rung.places) if place.may_rise)

    def _top(self) -> int:
        """Return the highest rung that is used now."""
        return len(self._rungs) - 1

    def _due(self, k: int) -> int:
        """Return how many of a rung are to have gone on by now."""
        due = self._rungs[k].ended // self._eta
        alone = self._closed and not self._rungs[k + 1].places and all(rung.ended == len(rung) for rung in self._rungs)
        return max(due, 1) if alone else due
