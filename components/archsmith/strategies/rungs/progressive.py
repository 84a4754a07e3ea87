"""Rungs that open one by one: a higher one only when the two highest do not agree on the order of what has reached both.

Reference: Bohdal, Balles, Wistuba, Ermis, Archambeau, Zappella 2023, PASHA: Efficient HPO and NAS with Progressive Resource
Allocation (arXiv:2207.06940), Algorithm 1. K_t is `_top`, epsilon `_noise`.
"""

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from archsmith.strategies.ranking import FAILED
from archsmith.strategies.rungs.asynchronous import Asynchronous
from archsmith.strategies.rungs.board import Rank
from archsmith.strategies.rungs.ladder import Ladder
from archsmith.values import Architecture, Proposal, Trial

PERCENTILE = 90
"""N of the paper: the noise is this percentile of the differences between those whose order is a matter of chance."""

Curve = npt.NDArray[np.float64]


class Progressive(Asynchronous):
    """The schedule of PASHA.

    Args:
        eta: 1/eta of those on a rung go on.
        ladder: The rungs, of which two are open at first.
        curve: Returns the values of a trial, epoch by epoch, as many as there are.
    """

    def __init__(self, eta: int, ladder: Ladder, curve: Callable[[Trial], Sequence[float]]) -> None:
        super().__init__(eta, ladder)
        self._curve = curve
        self._open = 1
        self._noise = 0.0
        self._ranks: dict[Architecture, tuple[Rank, ...]] = {}
        """Those of each architecture, rung by rung, `FAILED` where it has none or not yet."""
        self._reached: tuple[Architecture, ...] = ()
        """What was measured on the highest open rung."""
        self._curves: tuple[Curve, ...] = ()
        """How these came there."""
        self._differences: tuple[float, ...] = ()
        """Between two of them each, whose order changed and changed back on the way."""

    def copy(self) -> Self:
        """Return one that stands where this one does; see `Schedule.copy`."""
        new = super().copy()
        new._ranks = self._ranks.copy()
        return new

    def put(self, proposal: Proposal, trial: Trial | None, rank: Rank) -> bool:
        """Note a proposal; what is measured on the highest open rung may open the next one."""
        if not super().put(proposal, trial, rank):
            return False
        rung = self._last[proposal.architecture]
        if rung > self._open:  # a trial that is not there yet may have a lower number than the one that opened it
            self._raise_to(rung)
        self._ranks[proposal.architecture] = (*self._ranks.get(proposal.architecture, ()), rank)
        if rung == self._open and trial is not None and rank != FAILED:
            self._reach(trial)
            if rung + 1 < len(self._ladder) and not self._agree():
                self._raise_to(rung + 1)
        return True

    @property
    def _top(self) -> int:
        return self._open

    def _raise_to(self, rung: int) -> None:
        """Open the rungs up to one, on which nothing was measured yet."""
        self._open, self._reached, self._curves, self._differences = rung, (), (), ()

    def _reach(self, trial: Trial) -> None:
        """Note what was measured on the highest open rung, and what it tells of the noise (section 4.3)."""
        architecture = trial.proposal.architecture
        values, costs = self._curve(trial), [cost for _, cost in self._ranks[architecture]]
        curve = np.array(values if len(values) > len(costs) else costs, dtype=np.float64)
        same = [other for other in self._curves if len(other) == len(curve)]
        self._differences += differences_by_chance(curve, np.array(same).reshape(len(same), len(curve)))
        self._curves, self._reached = (*self._curves, curve), (*self._reached, architecture)
        if self._differences:
            self._noise = float(np.percentile(self._differences, PERCENTILE))

    def _agree(self) -> bool:
        """Tell whether the two highest open rungs have the same order, but for what the noise explains (section 4.2)."""
        below = {a: self._ranks[a][-2] for a in self._reached}
        now = [below[place.proposal.architecture] for place in self._rungs[self._open].best(len(below))]
        return all(_alike(rank, before, self._noise) for rank, before in zip(now, sorted(below.values()), strict=True))


def differences_by_chance(curve: Curve, others: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Return the last differences of a curve, (t,), to those of `others`, (n, t), with which it has changed places twice.

    That is: of the two, one is better in the end, was worse at some time before that, and better at some time before that.
    """
    apart = curve - others
    ahead = apart * np.sign(apart[:, -1:])
    was_ahead = np.logical_or.accumulate(ahead > 0, axis=1)
    twice = ((ahead < 0) & was_ahead).any(axis=1)
    return tuple(np.abs(apart[twice, -1]).tolist())


def _alike(rank: Rank, other: Rank, noise: float) -> bool:
    return rank[0] == other[0] and abs(rank[1] - other[1]) <= noise
