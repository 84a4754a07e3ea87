"""Who looks at the trainings of a search: its stopper, with what was known when a training was proposed.

The estimate step prepares a look before it starts the worker that trains: what the stopper learns, it learns there, once for
many trials, and the worker that is forked has it. Nothing of it is kept in the store, as it depends on the trials alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from archsmith.evaluation.stopping.watching import Looking, Remembering, Stopping, looking, prepared
from archsmith.search import Search
from archsmith.steps.pace import Replay
from archsmith.values import EpochRecord, History, Proposal, Stop
from archsmith.values.outcome import Foretold

MOST = 128
"""Trainings that are looked at at a time; twice as many as a task has workers at most."""

Item = TypeVar("Item")


class Eyes:
    """Looks at all trainings of a task, each with what its proposal was made with.

    Args:
        search: The search, with a stopper or without.
    """

    def __init__(self, search: Search) -> None:
        self._stopping = stopping_of(search)
        self._stopper = Remembering(search.stopping.build()) if search.stopping else None
        self._looking: dict[str, Looking] = {}
        self._replay = Replay()

    def prepare(self, history: History, proposal: Proposal) -> None:
        """Learn what is needed to look at a training; that may take seconds.

        Args:
            history: All trials that its maker had seen; of others that are in it, nothing is learned.
            proposal: What will be trained.
        """
        if self._stopping is None or self._stopper is None:
            return
        looking = prepared(self._stopping, self._stopper, self._replay.seen_by(history, proposal), proposal)
        if looking is not None:
            self._looking[proposal.id] = looking
        while len(self._looking) > MOST:
            del self._looking[next(iter(self._looking))]

    def watched(self, items: Iterable[Item], history: Callable[[], History]) -> Iterator[Item]:
        """Yield `items`, and prepare for each proposal among them before it is yielded."""
        for item in items:
            if isinstance(item, Proposal) and self._stopping is not None:
                self.prepare(history(), item)
            yield item

    def __call__(self, proposal: Proposal, curve: tuple[EpochRecord, ...]) -> Stop | None:
        """Say whether a training ends after this epoch; see `archsmith.evaluation.estimator.Look`."""
        looking = self._looking.get(proposal.id)
        return looking(proposal, curve) if looking else None


def foretold(search: Search, history: History) -> Iterator[Foretold]:
    """Hold the stopper to what came: yield the trials that would have been stopped if they had not been spared.

    Everything is worked out anew from the history, which takes the time of the stopper's learning.
    """
    stopping = stopping_of(search)
    if stopping is None or search.stopping is None:
        return
    stopper, metric, replay = Remembering(search.stopping.build()), stopping.objective.metric, Replay()
    for trial in history.completed:
        if not stopping.spares(trial.proposal.architecture) or metric not in trial.metrics:
            continue
        eye = looking(stopping, stopper, replay.seen_by(history, trial.proposal), trial.proposal)
        stops = (eye(trial.proposal, trial.curve[:t]) for t in range(1, len(trial.curve))) if eye else ()
        if (stop := next((s for s in stops if s), None)) is not None:
            yield Foretold(trial, stop, trial.metrics[metric])


def stopping_of(search: Search) -> Stopping | None:
    """Return the stopper of a search with all that it compares; None where the search has none.

    Where rungs differ in more than their epochs, a curve that goes on was begun at another fidelity, and is not compared with one
    that was not.
    """
    if search.stopping is None or search.spec.stopping is None:
        return None
    by_epochs = len({replace(fidelity, epochs=1) for fidelity in search.ladder}) == 1
    prefixes = search.estimation.extends and by_epochs
    return Stopping(search.spec.stopping.name, search.stopping, search.space, search.spec.objectives, prefixes)
