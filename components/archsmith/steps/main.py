"""What a pod of the pipeline runs: a step, on the search that it finds in its store.

Each function here imports its step when it is called, so that a step imports only what it needs.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from archsmith import errors
from archsmith.errors import ArchsmithError
from archsmith.machine import environment
from archsmith.machine.kfp_pod import settle
from archsmith.steps import client

ERROR_FILE = "ARCHSMITH_ERROR_FILE"
"""Names the file into which a local run wants a step's error."""


def run_step(step: str, *arguments: Any) -> Any:
    """Run a step: here, or in the process that a local run keeps warm for its steps."""
    settle(os.environ)
    environment.tidy()
    try:
        if address := os.environ.get(client.VARIABLE):
            return client.call(address, step, arguments)
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        return STEPS[step](*arguments)
    except ArchsmithError as error:
        if place := os.environ.get(ERROR_FILE):
            Path(place).write_text(json.dumps(errors.to_dict(error)), encoding="utf-8")
        else:
            from archsmith.steps.last_error import leave_error

            leave_error(step, arguments, error)
        raise


def _sample_space(text: str, store: str) -> str:
    from archsmith.opening import open_search
    from archsmith.steps.sample_space import sample_space
    from archsmith.views.tracking_place import note_place

    name = sample_space(text, store)
    note_place(*open_search(store, name), store)
    return name


def _begin_series(text: str, store: str) -> str:
    from archsmith.opening import open_search
    from archsmith.steps.begin_series import begin_series
    from archsmith.views.tracking_place import note_place

    name = begin_series(text, store)
    note_place(*open_search(store, name), store)
    return name


def _propose(name: str, store: str, round_: int) -> int:
    from archsmith.opening import open_search
    from archsmith.steps.propose import propose

    return propose(*open_search(store, name), int(round_))


def _train_supernet(name: str, store: str) -> int:
    from archsmith.opening import open_search
    from archsmith.steps.track import tracked
    from archsmith.steps.train_supernet import train_supernet

    folder, search = open_search(store, name)
    with tracked(search, store):
        return train_supernet(folder, search, store)


def _derive(name: str, store: str) -> int:
    from archsmith.opening import open_search
    from archsmith.steps.derive import derive

    return derive(*open_search(store, name))


def _estimate(name: str, store: str, round_: int, pod: int, pods: int) -> int:
    from archsmith.opening import open_search
    from archsmith.steps.estimate import estimate
    from archsmith.steps.track import tracked

    folder, search = open_search(store, name)
    with tracked(search, store):
        return estimate(folder, search, store, int(round_), pod=int(pod), pods=int(pods))


def _select(name: str, store: str) -> str:
    from archsmith.opening import open_search
    from archsmith.steps.select import select

    return select(*open_search(store, name)).winner or ""


def _retrain(name: str, store: str) -> float:
    from archsmith.opening import open_search
    from archsmith.steps.retrain import retrain

    model = retrain(*open_search(store, name), store)
    return model.metrics.get("test_accuracy", -1.0) if model else -1.0


def _report(name: str, store: str) -> str:
    from archsmith.opening import open_search
    from archsmith.steps.finished import refuse_without_winner
    from archsmith.steps.report import report

    folder, search = open_search(store, name)
    place, selection = report(folder, search, store)
    refuse_without_winner(folder, search, store, selection)
    return place


STEPS: Mapping[str, Callable[..., Any]] = {
    "sample_space": _sample_space,
    "begin_series": _begin_series,
    "propose": _propose,
    "train_supernet": _train_supernet,
    "derive": _derive,
    "estimate": _estimate,
    "select": _select,
    "retrain": _retrain,
    "report": _report,
}
"""The steps by name. A number may come from KFP as an integral float, hence the `int`s."""
