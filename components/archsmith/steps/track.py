"""Tracking beside a step that runs in a pod: a process of its own follows the store and logs into MLflow."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from archsmith.machine.children import environment
from archsmith.search import Search
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.tracking import TrackedSearch

log = logging.getLogger(__name__)

ELSEWHERE = "ARCHSMITH_TRACKED_ELSEWHERE"
"""Set where somebody else tracks the search: the process of a local run does, for all of its steps."""

LAST_CHANCE_S = 5.0


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
    )


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
