"""Tracking beside a step that runs in a pod: a process of its own follows the store and logs into MLflow."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from archsmith.machine.children import environment
from archsmith.search import Search
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.tracking import SharedWeights, TrackedSearch

log = logging.getLogger(__name__)

ELSEWHERE = "ARCHSMITH_TRACKED_ELSEWHERE"
"""Set where somebody else tracks the search: the process of a local run does, for all of its steps."""

LAST_CHANCE_S = 5.0

DRAW_EVERY_S = 60.0
"""Shortest time between two pictures of choices that are still being made: to draw one takes a second or two."""


def tracked_search(folder: SearchFolder, search: Search) -> TrackedSearch:
    """Return what tracking has to know of a search."""
    return TrackedSearch(
        search.name,
        search.spec,
        search.text,
        tuple(decision.name for decision in search.space.decisions),
        folder.identity(),
        folder.data_facts(),
        *(passed_over(folder.origin, log.debug) or ("", None)),
        search.estimation.fidelity,
        " ".join(search.explained) if search.sharing else "",
    )


class SharedSoFar:
    """Reads how far shared weights are, for a tracker that asks every few seconds; now and then it draws the choices.

    Args:
        folder: The search's folder.
        search: The search.
        clock: Tells the time, in seconds.
    """

    def __init__(self, folder: SearchFolder, search: Search, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._shares, self._clock = folder, search.sharing is not None, clock
        self._drawn, self._drawn_at = 0, -DRAW_EVERY_S

    def __call__(self) -> SharedWeights:
        """Return the epochs so far, and a picture where there is a new one."""
        records = self._folder.supernet_epochs() if self._shares else ()
        if not records or not records[-1].probabilities or records[-1].epoch <= self._drawn:
            return SharedWeights(records)
        if self._clock() - self._drawn_at < DRAW_EVERY_S and self._folder.derived() is None:
            return SharedWeights(records)
        from archsmith.report import probability_png  # with it comes matplotlib, which takes a second

        self._drawn, self._drawn_at = records[-1].epoch, self._clock()
        return SharedWeights(records, {"probability-map.png": probability_png(records)})


@contextmanager
def tracked(search: Search, store: str) -> Iterator[None]:
    """Log the search's trials while the body runs; what is left is caught up by the next step."""
    if os.environ.get(ELSEWHERE) or not search.spec.tracking.enabled:
        yield
        return
    command = [sys.executable, "-m", "archsmith", "sync", search.name, "--store", store, "--follow", str(os.getpid())]
    follower = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment())  # noqa: S603  our own command, no shell
    try:
        yield
    finally:
        follower.terminate()
        try:
            follower.wait(LAST_CHANCE_S)
        except subprocess.TimeoutExpired:
            follower.kill()
