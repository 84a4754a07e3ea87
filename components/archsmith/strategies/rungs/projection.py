"""What a sampler sees of a search with rungs: a history as if all were measured at one fidelity.

It is that of the highest rung with enough results, as in BOHB (Falkner 2018, section 3.2). What was measured only on others
can be left out: it counts as running then, so that it is not proposed again. Or it is lifted: its values are shown with the
median of what those measured on both rungs have more on the one that is shown. So nothing is forgotten of the many that did not
go on, and they stand where they belong, below those that did.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from archsmith.strategies.rungs.remembered import Remembered
from archsmith.values import Architecture, Fidelity, FromScratch, History, Proposal, Trial

FROM_SCRATCH = FromScratch()

Lift = Mapping[str, float]
"""What is added to each metric."""


class Projection:
    """Makes the history that a sampler sees. The same trial becomes the same one in each call, so that the sampler knows it.

    Args:
        ladder: The fidelities of the rungs; the sampler believes that it proposes at the last one.
        enough: Results that a rung must have to be looked at.
        measured: Whether a trial has a result.
        lifted: The metrics that are lifted; where there are none, what is on other rungs is left out.
    """

    def __init__(
        self, ladder: Sequence[Fidelity], enough: int, measured: Callable[[Trial], bool], lifted: Iterable[str] = ()
    ) -> None:
        self._full = ladder[-1]
        self._n_rungs = len(ladder)
        self._enough = enough
        self._rung_of = {fidelity: k for k, fidelity in enumerate(ladder)}
        self._measured = measured
        self._metrics = tuple(lifted)
        self._seen = Remembered(self._see)
        self._moved = Remembered(self._move)
        self._lifts: dict[int, tuple[Lift, Remembered[Trial, Trial]]] = {}

    def __call__(self, history: History) -> History:
        """Return what the sampler is to see of `history`."""
        self._seen.begin()
        self._moved.begin()
        seen = [s for s in map(self._seen, history.trials) if s is not None]
        chosen = self._chosen(seen)
        shown = self._lifted(seen, chosen) if self._metrics else {}
        shown |= {s.architecture: s.trial for s in seen if s.trial.status == "failed"}
        shown |= {s.architecture: s.trial for s in seen if s.rung == chosen}
        running: dict[Architecture, Proposal] = {}
        for proposal in (*(s.trial.proposal for s in seen), *map(self._moved, history.running)):
            if proposal is not None and proposal.architecture not in shown:
                running.setdefault(proposal.architecture, proposal)
        return History(tuple(shown.values()), tuple(running.values()))

    def _chosen(self, seen: "Sequence[_Seen]") -> int:
        """Return the highest rung with enough results; where none has, that with the most."""
        n = Counter(s.rung for s in seen if s.measured)
        return max(range(self._n_rungs), key=lambda k: (min(n[k], self._enough), k))

    def _lifted(self, seen: "Sequence[_Seen]", chosen: int) -> dict[Architecture, Trial]:
        """Return the trials of other rungs, of each architecture that of the rung nearest to the one that is shown."""
        others: dict[int, list[_Seen]] = {}
        for s in seen:
            if s.rung != chosen and s.measured:
                others.setdefault(s.rung, []).append(s)
        on_chosen = {s.architecture: s.trial for s in seen if s.rung == chosen and s.measured}
        found: dict[Architecture, Trial] = {}
        for rung in sorted(others, key=lambda k: (k < chosen, -abs(k - chosen))):  # those that come later count
            lift = self._lift(rung, self._gained(others[rung], on_chosen))
            found |= {s.architecture: lift(s.trial) for s in others[rung]}
        return found

    def _gained(self, others: "Sequence[_Seen]", on_chosen: Mapping[Architecture, Trial]) -> Lift:
        """Return the median of what those that are on both rungs have more on the one that is shown."""
        pairs = [(s.trial.metrics, on_chosen[s.architecture].metrics) for s in others if s.architecture in on_chosen]
        gained = {m: [after[m] - before[m] for before, after in pairs if m in after and m in before] for m in self._metrics}
        return {metric: median(values) for metric, values in gained.items() if values}

    def _lift(self, rung: int, by: Lift) -> Remembered[Trial, Trial]:
        """Return what lifts the trials of a rung."""
        before = self._lifts.get(rung)
        if before is None or before[0] != by:
            before = self._lifts[rung] = by, Remembered(lambda trial: _lifted(trial, by))
        before[1].begin()
        return before[1]

    def _see(self, trial: Trial) -> "_Seen | None":
        moved, rung = self._move(trial.proposal), self._rung_of.get(trial.proposal.fidelity)
        if moved is None or rung is None:
            return None
        return _Seen(moved.architecture, rung, self._measured(trial), replace(trial, proposal=moved))

    def _move(self, proposal: Proposal) -> Proposal | None:
        return replace(proposal, fidelity=self._full, origin=FROM_SCRATCH) if proposal.fidelity in self._rung_of else None


def _lifted(trial: Trial, by: Lift) -> Trial:
    return replace(trial, metrics={name: value + by.get(name, 0.0) for name, value in trial.metrics.items()})


@dataclass(frozen=True, slots=True)
class _Seen:
    architecture: Architecture
    rung: int
    """The one that it was measured on, from 0."""
    measured: bool
    """Whether it has a result."""
    trial: Trial
    """As the sampler may see it."""
