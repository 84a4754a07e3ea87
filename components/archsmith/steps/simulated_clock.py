"""When a simulated worker's trials end, where a table knows how long they train."""

from dataclasses import replace

from archsmith.stores.board import Board
from archsmith.values import Trial


class SimulatedClock:
    """The clock of one simulated worker: a trial begins when the one before it has ended, and what its proposal was made with.

    Args:
        board: The trials, those of other workers too.
        free_at: When it begins.
    """

    def __init__(self, board: Board, free_at: float) -> None:
        self._board, self._free_at = board, free_at
        self._ends: list[float] = []
        """When the last of the first so many known trials has ended, by the order in which they came to be known."""

    def timed(self, trial: Trial) -> Trial:
        """Return a trial of this worker with the time at which it ends; never before it was looked up."""
        begins = max(self._free_at, self._ended(trial.proposal.seen))
        self._free_at = max(begins + trial.seconds, trial.finished_at)
        return replace(trial, finished_at=self._free_at)

    def _ended(self, n: int) -> float:
        """Return when the first `n` trials had all ended."""
        for known in self._board.arrived[len(self._ends) :]:
            self._ends.append(max(known.finished_at, self._ends[-1] if self._ends else 0.0))
        return self._ends[min(n, len(self._ends)) - 1] if n and self._ends else 0.0
