"""What the trials of a search say, in numbers: what a surrogate learns from."""

import math

import numpy as np
import numpy.typing as npt

from archsmith.spec import Objective, static_limits
from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.strategies.bayesian.gaussian_process import Array
from archsmith.strategies.bayesian.scores import ScoredCodes, Scores
from archsmith.strategies.bayesian.success import NOISE, Success, labels
from archsmith.strategies.bayesian.surrogates import GrowingProcesses, Processes, Vectors
from archsmith.strategies.bayesian.targets import limited, tamed
from archsmith.strategies.strategy import Problem
from archsmith.values import Trial
from archsmith.values.pareto import fronts


class Measurements:
    """The trials at the problem's fidelity, as codes and costs. A state to be folded.

    Args:
        problem: What is to be solved.
        codes: Of the problem's space.
        scores: What is known of architectures beside the decisions; None where that is nothing.
    """

    def __init__(self, problem: Problem, codes: Codes, scores: Scores | None = None) -> None:
        # What is known without training is no matter of chance: what breaks such a limit is never proposed.
        static = static_limits(problem.objectives)
        self._problem = problem
        vectors: Vectors = ScoredCodes(codes, scores) if scores else codes
        # Whether a training succeeds is asked of every candidate.
        cheap = vectors if scores and scores.are_counted else codes
        self._costs: list[list[float]] = []
        self._limits = tuple(o for o in problem.objectives if o.limit is not None and o not in static)
        self._processes = GrowingProcesses(vectors, self.targets, self.order)
        self._succeeded: list[bool] = []
        self._successes = GrowingProcesses(cheap, self._labels, _latest_first, NOISE)
        self.codes = codes
        self.goals = tuple(o for o in problem.objectives if o.goal)
        self.tried: list[Rows] = []
        """The codes of each trial, (n_decisions,)."""
        self.met: set[bytes] = set()
        """Their bytes."""
        self.rows: list[Rows] = []
        """The codes of each trial with a finite value of each goal. The others have failed; places are those among these."""

    def add(self, trial: Trial) -> None:
        """Add a trial."""
        if trial.proposal.fidelity != self._problem.fidelity:
            return
        row = self.codes.encode([trial.proposal.architecture])[0]
        self.tried.append(row)
        self.met.add(row.tobytes())
        costs = [o.cost(trial) for o in (*self.goals, *self._limits)]
        self._succeeded.append(all(map(math.isfinite, costs[: len(self.goals)])))
        if self._succeeded[-1]:
            self.rows.append(row)
            self._costs.append(costs)

    def processes(self) -> tuple[Processes, Rows]:
        """Return Gaussian processes of what was measured, at least one trial, and the places of those that they have seen."""
        return self._processes.of(self.rows)

    def everything(self) -> tuple[Rows, Array]:
        """Return the codes of all that was measured, and the targets."""
        return np.array(self.rows), self.targets(np.arange(len(self.rows)))

    def success(self) -> Success | None:
        """Return what a Gaussian process says of whether a trial succeeds; None where all have."""
        if all(self._succeeded):
            return None
        process, seen = self._successes.of(self.tried)
        return Success.of(np.array(self._succeeded)[seen], lambda rows: process.predict(rows)[0][:, 0])

    def outcomes(self) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """Return the codes of all trials, and which have succeeded."""
        return np.array(self.tried), np.array(self._succeeded)

    def targets(self, places: Rows) -> Array:
        """Return what a surrogate learns of the trials at `places`: (n, n_goals + n_limits), to be minimized."""
        goals, _ = self._measured(places)
        return np.stack([*map(tamed, goals.T), *(values for values, _ in self._limited(places))], axis=1)

    def highest(self, places: Rows) -> Array:
        """Return what the limits allow among the targets of the trials at `places`, (n_limits,)."""
        return np.array([highest for _, highest in self._limited(places)])

    def feasible(self, places: Rows) -> npt.NDArray[np.bool_]:
        """Tell which trials at `places` keep all limits, as far as is measured."""
        _, others = self._measured(places)
        beyond = np.isfinite(others) & (others > np.array([_highest(o) for o in self._limits]))
        return np.asarray(~beyond.any(axis=1))

    def order(self, n: int) -> Rows:
        """Return the first `n` places, the best first: those within the limits, front by front."""
        goals, _ = self._measured(np.arange(n))
        front = goals[:, 0] if len(self.goals) == 1 else fronts(goals)
        return np.lexsort((front, ~self.feasible(np.arange(n))))

    def _labels(self, places: Rows) -> Array:
        """Return what is learned of the trials at `places`, among all: (n, 1)."""
        return labels(np.array(self._succeeded)[places])[:, None]

    def _limited(self, places: Rows) -> list[tuple[Array, float]]:
        """Return the targets of each limit, and what it allows among them."""
        _, others = self._measured(places)
        return [limited(values, _highest(o)) for o, values in zip(self._limits, others.T, strict=True)]

    def _measured(self, places: Rows) -> tuple[Array, Array]:
        """Return the costs of goals and of limited metrics, each (n, n_objectives)."""
        costs = np.array(self._costs)[places]
        return costs[:, : len(self.goals)], costs[:, len(self.goals) :]


def _latest_first(n: int) -> Rows:
    return np.arange(n)[::-1]


def _highest(objective: Objective) -> float:
    """Return the highest cost that a limit allows."""
    return -objective.sign * (objective.limit or 0.0)
