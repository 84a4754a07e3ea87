"""What a sampler sees of a search with rungs: a history as if all were measured at one fidelity.

It is that of the highest rung with enough results, as in BOHB (Falkner 2018, section 3.2). What was measured only on others
counts as running, so that it is not proposed again; what has failed on any has failed.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from archsmith.values import Architecture, Fidelity, FromScratch, History, Proposal, Trial

FROM_SCRATCH = FromScratch()


class Projection:
    """Makes the history that a sampler sees. It keeps the trials that it made, so that the sampler knows them again.

    Args:
        ladder: The fidelities of the rungs; the sampler believes that it proposes at the last one.
        enough: Results that a rung must have to be looked at.
        measured: Whether a trial has a result.
    """

    def __init__(self, ladder: Sequence[Fidelity], enough: int, measured: Callable[[Trial], bool]) -> None:
        self._ladder = ladder
        self._enough = enough
        self._measured = measured
        self._made: dict[int, tuple[Trial, Trial]] = {}

    def __call__(self, history: History) -> History:
        """Return what the sampler is to see of `history`."""
        by_rung = by_fidelity(history, self._ladder)
        shown = {t.proposal.architecture: t for trials in by_rung for t in trials if t.status == "failed"}
        shown |= {t.proposal.architecture: t for t in by_rung[self._chosen(by_rung)]}
        running: dict[Architecture, Proposal] = {}
        for proposal in history.proposals:
            if proposal.architecture not in shown and proposal.fidelity in self._ladder:
                running.setdefault(proposal.architecture, self._moved(proposal))
        return History(self._trials([*shown.values()]), tuple(running.values()))

    def _chosen(self, by_rung: Sequence[Sequence[Trial]]) -> int:
        """Return the highest rung with enough results; where none has, that with the most."""
        n = [sum(map(self._measured, trials)) for trials in by_rung]
        return max(range(len(n)), key=lambda k: (min(n[k], self._enough), k))

    def _trials(self, trials: Sequence[Trial]) -> tuple[Trial, ...]:
        before, self._made = self._made, {}
        for trial in trials:
            known = before.get(id(trial))
            made = known[1] if known and known[0] is trial else replace(trial, proposal=self._moved(trial.proposal))
            self._made[id(trial)] = trial, made
        return tuple(made for _, made in self._made.values())

    def _moved(self, proposal: Proposal) -> Proposal:
        return replace(proposal, fidelity=self._ladder[-1], origin=FROM_SCRATCH)


def by_fidelity(history: History, ladder: Sequence[Fidelity]) -> list[list[Trial]]:
    """Return the trials on each rung of a ladder, in their order."""
    rung_of = {fidelity: k for k, fidelity in enumerate(ladder)}
    found: list[list[Trial]] = [[] for _ in ladder]
    for trial in history.trials:
        rung = rung_of.get(trial.proposal.fidelity)
        if rung is not None:
            found[rung].append(trial)
    return found
