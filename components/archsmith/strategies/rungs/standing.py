"""Where each training of a search stands that goes on by steps: what was measured at which, and what may go on."""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from archsmith.spec import Objective
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.ranking import FAILED, rank
from archsmith.strategies.rungs.board import Rank
from archsmith.values import Architecture, Fidelity, FromScratch, Trial


@dataclass(slots=True)
class Training:
    """Of one architecture."""

    row: int
    """Its place among those that were begun."""
    trial: Trial
    """That with the most epochs."""
    rung: int
    """How far it got, from 0."""
    rank: Rank
    """Its rank there; `FAILED` where it can't go on."""
    seen: int = 0
    """The rungs on which something was measured: the k-th binary digit stands for the k-th rung."""


class Standing:
    """What trials have measured. It grows by one trial after the other, in any order.

    Args:
        ladder: The fidelities at which trainings are frozen, and the full one.
        goal: The objective that they are ranked by.
        objectives: All of them; some may be limits.
        codes: Those of the space.
    """

    def __init__(self, ladder: Sequence[Fidelity], goal: Objective, objectives: Sequence[Objective], codes: Codes) -> None:
        self._rung_of = {fidelity: k for k, fidelity in enumerate(ladder)}
        self._goal, self._objectives = goal, objectives
        self._full, self._last, self.codes = ladder[-1], len(ladder) - 1, codes
        self._costs, self._beyond = _Rows(len(ladder)), _Rows(len(ladder))
        self._features: _Rows | None = None
        self._ranked: list[list[tuple[Rank, int, Training]]] = [[] for _ in ladder]
        self.trainings: dict[Architecture, Training] = {}
        self.begun: list[Trial] = []
        """The first trial of each architecture, as if it were at the full fidelity."""
        self.spent = 0.0
        """What all have cost, in epochs of full training."""
        self.ends: list[Training] = []
        """Those that have reached the full fidelity, and have a value."""
        self.measured = 0
        """How many trials have a value."""
        self._within = 0

    def add(self, trial: Trial) -> None:
        """Note what was measured."""
        proposal, rung = trial.proposal, self._rung_of.get(trial.proposal.fidelity)
        self.spent += trial.cost
        if rung is None:
            return
        found = rank(trial, self._goal, self._objectives) if trial.status == "complete" else FAILED
        training = self.trainings.get(proposal.architecture) or self._begin(trial, rung)
        if rung >= training.rung:
            training.trial, training.rung, training.rank = trial, rung, found
        if trial.status != "stopped":  # that one says nothing about the rung that it did not reach
            self._costs[training.row, rung] = np.inf if found == FAILED else found[1]
            self._beyond[training.row, rung] = found[0]
            training.seen |= 1 << rung
        if found != FAILED:
            self.measured += 1
            self._within += found[0] == 0
            insort(self._ranked[rung], (found, proposal.number, training))
            if rung == self._last:
                self.ends.append(training)

    @property
    def costs(self) -> npt.NDArray[np.float64]:
        """What was measured, less is better: (n, n_rungs), NaN where nothing was, infinite where it has failed.

        It is infinite too where a limit is broken, unless nothing is within the limits yet: then what is better may come to be.
        """
        return np.where(self._beyond.rows > 0, np.inf, self._costs.rows) if self._within else self._costs.rows

    @property
    def features(self) -> npt.NDArray[np.float64]:
        """The architectures that were begun: (n, n_features)."""
        return np.empty((0, 0)) if self._features is None else self._features.rows

    def frozen(self, best: int) -> list[Training]:
        """Return what may go on: of each rung but the last one, those of the best so many that have not gone on and can.

        What is not among them now never will be, whatever is measured from here: those that are better stay so.
        """
        tops = enumerate(self._ranked[:-1])
        return [t for k, top in tops for _, _, t in top[:best] if t.rung == k and t.rank != FAILED]

    def _begin(self, trial: Trial, rung: int) -> Training:
        proposal = trial.proposal
        training = Training(len(self.begun), trial, rung, FAILED)
        self.trainings[proposal.architecture] = training
        self.begun.append(replace(trial, proposal=replace(proposal, fidelity=self._full, origin=FromScratch())))
        vector = self.codes.vectors(self.codes.encode([proposal.architecture]))
        self._features = self._features or _Rows(vector.shape[1])
        self._features.append(vector)
        self._costs.append(np.nan)
        self._beyond.append(0.0)
        return training


class _Rows:
    """A table that grows by rows."""

    def __init__(self, n_columns: int) -> None:
        self._n, self._room = 0, np.empty((64, n_columns))

    def append(self, row: npt.NDArray[np.float64] | float) -> None:
        if self._n == len(self._room):
            self._room = np.concatenate([self._room, np.empty_like(self._room)])
        self._room[self._n] = row
        self._n += 1

    def __setitem__(self, at: tuple[int, int], value: float) -> None:
        self._room[at] = value

    @property
    def rows(self) -> npt.NDArray[np.float64]:
        return self._room[: self._n]
