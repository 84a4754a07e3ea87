"""What a pod of the pipeline runs: a step, on the search that it finds in its store."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archsmith.errors import ArchsmithError, NoWinnerError
from archsmith.steps.lifeline import die_with_local_run
from archsmith.steps.open import open_search

ERROR_FILE = "ARCHSMITH_ERROR_FILE"
"""Names the file into which a local run wants a step's error."""


def sample_space(text: str, store: str) -> str:
    """Run the first step; return the name of the search."""
    with _step():
        from archsmith.steps.sample_space import sample_space as run

        return run(text, store)


def propose(name: str, store: str, round_: int) -> int:
    """Open a round; return the number of its proposals."""
    with _step():
        from archsmith.steps.propose import propose as run

        return run(*open_search(store, name), int(round_))


def estimate(name: str, store: str, round_: int, pod: int, pods: int) -> int:
    """Measure this pod's share of a round; return the number of trials measured."""
    with _step():
        from archsmith.steps.estimate import estimate as run
        from archsmith.steps.track import tracked

        folder, search = open_search(store, name)
        with tracked(search, store):
            return run(folder, search, int(round_), pod=int(pod), pods=int(pods))


def select(name: str, store: str) -> str:
    """Select the winner; return the id of its trial, empty where there is none."""
    with _step():
        from archsmith.steps.select import select as run

        return run(*open_search(store, name)).winner or ""


def retrain(name: str, store: str) -> float:
    """Train the winner in full; return its test accuracy, -1 where there is no winner."""
    with _step():
        from archsmith.steps.retrain import retrain as run

        model = run(*open_search(store, name))
        return model.metrics["test_accuracy"] if model else -1.0


def report(name: str, store: str) -> str:
    """Write the report and return where it lies.

    Raises:
        NoWinnerError: There is no winner; the report is written all the same.
    """
    with _step():
        from archsmith.steps.report import report as run

        folder, search = open_search(store, name)
        place, selection = run(folder, search, store)
        if selection.winner is None:
            raise NoWinnerError(f"The search {name!r} has no winner: {selection.reason}. The report: {place}")
        return place


@contextmanager
def _step() -> Iterator[None]:
    """Set the process up, and leave an error of ours where a local run looks for it."""
    die_with_local_run()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        yield
    except ArchsmithError as error:
        if place := os.environ.get(ERROR_FILE):
            Path(place).write_text(json.dumps({"kind": type(error).__name__, "message": str(error)}))
        raise
