"""Which pods are alive: each says so every few seconds, and the others look.

A pod is dead once it has not said so for a while by the looker's own clock; those of machines need not agree. A process of the
same machine that is gone is dead at once. One that is only slow may be taken for dead: its trial is then measured by another one
too, and kept once.
"""

import time
from collections.abc import Callable

from archsmith.machine.process_id import is_gone, name_of_this
from archsmith.stores.claims import Claims

BEAT_EVERY_S = 10.0
"""Seconds between two beats of a pod, and between two looks at those of others."""

DEAD_AFTER_S = 40.0
"""Seconds without a beat after which a pod is dead."""

SLOW_AFTER_S = 25.0
"""Seconds between two beats of this pod after which others may have taken it for dead."""


class Pods:
    """The pods that work on a search, of which this is one.

    Args:
        folder: The search's folder.
        clock: Seconds that never go back.
        name: The name of this pod; that of its process where left out.
    """

    def __init__(self, folder: Claims, clock: Callable[[], float] = time.monotonic, name: str | None = None) -> None:
        self.name = name or name_of_this()
        self._folder, self._clock = folder, clock
        self._count, self._at = 0, clock()
        self._others: dict[str, int] = {}
        self._silent_s: dict[str, float] = {}
        self._heard: set[str] = set()
        folder.beat(self.name, 0)
        self._look(0.0)

    def beat(self) -> bool:
        """Say that this pod lives, and look at the others, if it is time to; tell whether it was late."""
        gap = self._clock() - self._at
        if gap < BEAT_EVERY_S:
            return False
        self._count, self._at = self._count + 1, self._clock()
        self._folder.beat(self.name, self._count)
        self._look(gap)
        return gap > SLOW_AFTER_S

    def is_dead(self, name: str) -> bool:
        """Tell whether a pod is known to be dead: it has ended, or is gone, or has not been heard of."""
        if name == self.name:
            return False
        if name not in self._others:  # it has ended, or has begun after the last look
            self._look(0.0)
        return name not in self._others or self._silent_s[name] >= DEAD_AFTER_S or bool(is_gone(name))

    def is_alive(self, name: str) -> bool:
        """Tell whether a pod is known to live: of one that was not heard of yet, neither this nor that it is dead is known."""
        if name == self.name:
            return True
        return name in self._others and (is_gone(name) is False or (name in self._heard and self._silent_s[name] < SLOW_AFTER_S))

    def leave(self) -> None:
        """Say that this pod has ended."""
        self._folder.leave(self.name)

    def _look(self, gap: float) -> None:
        """Note whose beats have changed; time in which this pod did not look counts little, as it may have slept itself."""
        beats = self._folder.beats()
        more = min(gap, 1.5 * BEAT_EVERY_S)
        self._silent_s = {n: self._silent_s.get(n, 0.0) + more if self._others.get(n) == b else 0.0 for n, b in beats.items()}
        self._heard |= {name for name, beat in beats.items() if self._others.get(name, beat) != beat}
        self._others = beats
