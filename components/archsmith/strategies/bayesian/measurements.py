"""What the trials of a search say, in numbers: what a surrogate learns from."""

import math

import numpy as np
import numpy.typing as npt

from archsmith.spec import Objective, static_limits
from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.strategies.bayesian.gaussian_process import Array
from archsmith.strategies.bayesian.surrogates import GrowingProcesses, Processes
from archsmith.strategies.bayesian.targets import limited, tamed
from archsmith.strategies.strategy import Problem
from archsmith.values import Trial
from archsmith.values.pareto import fronts


class Measurements:
    """The trials at the problem's fidelity, as codes and costs. A state to be folded.

    Args:
        problem: What is to be solved.
        codes: Of the problem's space.
    """

    def __init__(self, problem: Problem, codes: Codes) -> None:
        # What is known without training is no matter of chance: what breaks such a limit is never proposed.
        static = static_limits(problem.objectives)
        self._problem = problem
        self._costs: list[list[float]] = []
        self._limits = tuple(o for o in problem.objectives if o.limit is not None and o not in static)
        self._processes = GrowingProcesses(codes, self.targets, self.order)
        self.codes = codes
        self.goals = tuple(o for o in problem.objectives if o.goal)
        self.rows: list[Rows] = []
        """The codes of each trial, (n_decisions,)."""
        self.met: set[bytes] = set()
        """The bytes of each trial's codes."""
        self.n_measured = 0
        """Trials with a finite value of each goal."""

    def add(self, trial: Trial) -> None:
        """Add a trial."""
        if trial.proposal.fidelity != self._problem.fidelity:
            return
        row = self.codes.encode([trial.proposal.architecture])[0]
        self.rows.append(row)
        self.met.add(row.tobytes())
        self._costs.append([o.cost(trial) for o in (*self.goals, *self._limits)])
        self.n_measured += all(map(math.isfinite, self._costs[-1][: len(self.goals)]))

    def processes(self) -> tuple[Processes, Rows]:
        """Return Gaussian processes of the trials, at least one, and the places of those that they have seen."""
        return self._processes.of(self.rows)

    def everything(self) -> tuple[Rows, Array]:
        """Return the codes of all trials and their targets."""
        return np.array(self.rows), self.targets(np.arange(len(self.rows)))

    def targets(self, places: Rows) -> Array:
        """Return what a surrogate learns of the trials at `places`: (n, n_goals + n_limits), to be minimized."""
        goals, _ = self._measured(places)
        return np.stack([*map(tamed, goals.T), *(values for values, _ in self._limited(places))], axis=1)

    def highest(self, places: Rows) -> Array:
        """Return what the limits allow among the targets of the trials at `places`, (n_limits,)."""
        return np.array([highest for _, highest in self._limited(places)])

    def feasible(self, places: Rows) -> npt.NDArray[np.bool_]:
        """Tell which trials at `places` have a finite value of each goal, and keep all limits as far as is measured."""
        goals, others = self._measured(places)
        beyond = np.isfinite(others) & (others > np.array([_highest(o) for o in self._limits]))
        return np.asarray(np.isfinite(goals).all(axis=1) & ~beyond.any(axis=1))

    def order(self, n: int) -> Rows:
        """Return the places of the first `n` trials, the best first: those within the limits, front by front."""
        goals, _ = self._measured(np.arange(n))
        front = goals[:, 0] if len(self.goals) == 1 else fronts(goals)
        return np.lexsort((front, ~self.feasible(np.arange(n))))

    def _limited(self, places: Rows) -> list[tuple[Array, float]]:
        """Return the targets of each limit, and what it allows among them."""
        _, others = self._measured(places)
        return [limited(values, _highest(o)) for o, values in zip(self._limits, others.T, strict=True)]

    def _measured(self, places: Rows) -> tuple[Array, Array]:
        """Return the costs of goals and of limited metrics, each (n, n_objectives)."""
        costs = np.array(self._costs)[places]
        return costs[:, : len(self.goals)], costs[:, len(self.goals) :]


def _highest(objective: Objective) -> float:
    """Return the highest cost that a limit allows."""
    return -objective.sign * (objective.limit or 0.0)
