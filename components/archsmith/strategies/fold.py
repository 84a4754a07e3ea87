"""State that is made from the trials of a history one after the other, and goes on from the history before."""

from collections.abc import Callable
from operator import is_
from typing import Generic, TypeVar

from archsmith.values import History, Trial

S = TypeVar("S")


class Fold(Generic[S]):
    """Folds the trials of a history, in their order, into a state.

    A strategy is asked with a history that is the one before and a few trials more. So the last state is kept, and
    only the new trials are added to it; any other history is folded from its first trial. It is a cache and no memory:
    the state depends on the history alone, and a strategy that uses it stays a pure function.

    Args:
        start: Makes the state of an empty history.
        add: Adds a trial to the state, in place, and never raises. What it does may depend on the two of them only.
    """

    def __init__(self, start: Callable[[], S], add: Callable[[S, Trial], None]) -> None:
        self._start = start
        self._add = add
        self._seen: tuple[Trial, ...] = ()
        self._state = start()

    def __call__(self, history: History) -> S:
        """Return the state of `history`; it changes with the next call, and is not to be changed by others."""
        trials, n = history.trials, len(self._seen)
        if n > len(trials) or not all(map(is_, self._seen, trials)):
            self._state, n = self._start(), 0
        self._seen = ()  # until all are added, as an error may come in between
        for trial in trials[n:]:
            self._add(self._state, trial)
        self._seen = trials
        return self._state
