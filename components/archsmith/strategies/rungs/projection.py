"""What a sampler sees of a search with rungs: a history as if all were measured at one fidelity.

It is that of the highest rung with enough results, as in BOHB (Falkner 2018, section 3.2). What was measured only on others
counts as running, so that it is not proposed again; what has failed on any has failed.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from archsmith.strategies.rungs.remembered import Remembered
from archsmith.values import Architecture, Fidelity, FromScratch, History, Proposal, Trial

FROM_SCRATCH = FromScratch()


class Projection:
    """Makes the history that a sampler sees. The same trial becomes the same one in each call, so that the sampler knows it.

    Args:
        ladder: The fidelities of the rungs; the sampler believes that it proposes at the last one.
        enough: Results that a rung must have to be looked at.
        measured: Whether a trial has a result.
    """

    def __init__(self, ladder: Sequence[Fidelity], enough: int, measured: Callable[[Trial], bool]) -> None:
        self._full = ladder[-1]
        self._n_rungs = len(ladder)
        self._enough = enough
        self._rung_of = {fidelity: k for k, fidelity in enumerate(ladder)}
        self._measured = measured
        self._seen = Remembered(self._see)
        self._moved = Remembered(self._move)

    def __call__(self, history: History) -> History:
        """Return what the sampler is to see of `history`."""
        self._seen.begin()
        self._moved.begin()
        seen = [s for s in map(self._seen, history.trials) if s is not None]
        chosen = self._chosen(seen)
        shown = {s.architecture: s.trial for s in seen if s.trial.status == "failed"}
        shown |= {s.architecture: s.trial for s in seen if s.rung == chosen}
        running: dict[Architecture, Proposal] = {}
        for s in seen:
            if s.rung != chosen and s.architecture not in shown:
                running.setdefault(s.architecture, s.trial.proposal)
        for proposal in history.running:
            if proposal.architecture not in shown and (moved := self._moved(proposal)) is not None:
                running.setdefault(proposal.architecture, moved)
        return History(tuple(shown.values()), tuple(running.values()))

    def _chosen(self, seen: "Sequence[_Seen]") -> int:
        """Return the highest rung with enough results; where none has, that with the most."""
        n = Counter(s.rung for s in seen if s.measured)
        return max(range(self._n_rungs), key=lambda k: (min(n[k], self._enough), k))

    def _see(self, trial: Trial) -> "_Seen | None":
        moved, rung = self._move(trial.proposal), self._rung_of.get(trial.proposal.fidelity)
        if moved is None or rung is None:
            return None
        return _Seen(moved.architecture, rung, self._measured(trial), replace(trial, proposal=moved))

    def _move(self, proposal: Proposal) -> Proposal | None:
        return replace(proposal, fidelity=self._full, origin=FROM_SCRATCH) if proposal.fidelity in self._rung_of else None


@dataclass(frozen=True, slots=True)
class _Seen:
    architecture: Architecture
    rung: int
    """The one that it was measured on, from 0."""
    measured: bool
    """Whether it has a result."""
    trial: Trial
    """As the sampler may see it."""
