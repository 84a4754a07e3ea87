"""Where each training of a search stands that goes on by steps: what was measured at which, and what may go on."""

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from archsmith.spec import Objective
from archsmith.strategies.bayesian.codes import Codes
from archsmith.strategies.ranking import FAILED, rank
from archsmith.strategies.rungs.board import Rank
from archsmith.values import Architecture, Fidelity, FromScratch, Trial

Row = npt.NDArray[np.int64]


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

    def is_at_its_end(self, n_rungs: int) -> bool:
        """Tell whether it has reached the full fidelity, and has a value."""
        return self.rung == n_rungs - 1 and self.rank != FAILED


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
        self._full, self.codes = ladder[-1], codes
        self._costs: list[list[float]] = []
        self._ranked: list[list[tuple[Rank, int]]] = [[] for _ in ladder]
        self.trainings: dict[Architecture, Training] = {}
        self.begun: list[Trial] = []
        """The first trial of each architecture, as if it were at the full fidelity."""
        self.rows: list[Row] = []
        """The codes of each."""
        self.known: set[bytes] = set()
        """The bytes of these."""
        self.spent = 0.0
        """What all have cost, in epochs of full training."""

    def add(self, trial: Trial) -> None:
        """Note what was measured."""
        proposal, rung = trial.proposal, self._rung_of.get(trial.proposal.fidelity)
        self.spent += trial.cost
        if rung is None:
            return
        found = rank(trial, self._goal, self._objectives) if trial.status == "complete" else FAILED
        training = self.trainings.get(proposal.architecture)
        if training is None:
            training = self.trainings[proposal.architecture] = Training(len(self.begun), trial, rung, found)
            self.begun.append(replace(trial, proposal=replace(proposal, fidelity=self._full, origin=FromScratch())))
            self.rows.append(self.codes.encode([proposal.architecture])[0])
            self.known.add(self.rows[-1].tobytes())
            self._costs.append([np.nan] * len(self._ranked))
        elif rung >= training.rung:
            training.trial, training.rung, training.rank = trial, rung, found
        if trial.status != "stopped":  # that one says nothing about the rung that it did not reach
            self._costs[training.row][rung] = found[1] if found[0] == 0 else np.inf
        if found != FAILED:
            insort(self._ranked[rung], (found, proposal.number))

    @property
    def measured(self) -> int:
        """Of how many architectures something was measured that is within the limits."""
        return sum(any(map(math.isfinite, costs)) for costs in self._costs)

    def costs(self) -> np.ndarray:
        """Return what was measured, less is better: (n, n_rungs), infinite where a trial has failed or is beyond a limit."""
        return np.array(self._costs).reshape(len(self._costs), len(self._ranked))

    def frozen(self, best: int) -> list[Training]:
        """Return what may go on: it has a value, an end that is not reached yet, and fewer than `best` better ones at its epochs.

        What is not among them now never will be, whatever is measured from here: those that are better stay so.
        """
        last = len(self._ranked) - 1
        return [t for t in self.trainings.values() if t.rung < last and t.rank != FAILED and self._better(t) < best]

    def _better(self, training: Training) -> int:
        return bisect_left(self._ranked[training.rung], (training.rank, training.trial.proposal.number))
