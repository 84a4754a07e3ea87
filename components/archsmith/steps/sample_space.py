"""The first step: check the search against its data, and draw from its space, before anything costs time."""

import logging
import os
import platform
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import numpy as np

from archsmith.advice import advice_on_data, advice_on_table
from archsmith.errors import SpecError, UnbuildableError
from archsmith.evaluation.config import TrainConfig
from archsmith.opening import going_on
from archsmith.search import Search, parse
from archsmith.spec import Objective, static_limits
from archsmith.steps.deadline import MEASURES, began, start_clock
from archsmith.steps.warm_start import note_warm_start
from archsmith.stores import open_store
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture
from archsmith.values.data_facts import DataFacts

log = logging.getLogger(__name__)

N_SAMPLES = 50
N_FEASIBLE = 500
"""Architectures drawn before the limits are called impossible."""


def sample_space(text: str, store: str) -> str:
    """Put the search into the store, or find it there to go on with; return its name.

    Raises:
        SpecError: The file is wrong, or no architecture keeps its limits.
        DataError: The images are missing or can't be used.
        SearchConflictError: The store holds a different search of this name.
    """
    at, search = began(), parse(text)
    folder = SearchFolder(open_store(store), search.name)
    before = folder.read_search()
    search = going_on(folder, search, store) or search
    measures = bool(os.environ.get(MEASURES)) and not search.open  # else that was part of choosing
    if search.open:
        from archsmith.steps.choosing import choose

        search = choose(search, folder, at)
    if folder.asked() is not None:
        start_clock(folder, at)
    if before is None or not passed_over(folder.identity, log.warning):
        explored = explore(search, measures=measures)
        if (known := note_warm_start(folder, search, store)) is not None:
            explored["counted" if known.architectures else "warnings"].append(known.said)
        folder.write_json("space.json", explored)
        _tell(explored)
    elif search.retrains:
        from archsmith.steps.images import load_images

        load_images(search, folder)  # it raises where they are other ones by now
    if before is None or parse(before).object != search.object or not folder.is_listed():
        folder.write_search(search.text)
    folder.mark(done=False)
    return search.name


def explore(search: Search, *, measures: bool = False) -> dict[str, Any]:
    """Look at the space and at what candidates are measured on; return what is kept of it, ready for JSON.

    Args:
        search: The search.
        measures: Whether networks are measured for a few seconds, to say how long the search will take. That is of use where
            this machine is the one that will train.

    Raises:
        SpecError: No architecture keeps the limits.
        DataError: The images or the table are missing or can't be used.
    """
    began_at, limits, table, digest = time.time(), static_limits(search.spec.objectives), None, ""
    if search.table:
        from archsmith.steps.table import beyond_the_table, table_digest, table_facts

        table, digest = table_facts(search), table_digest(search)  # they raise for a table that can't be used
        limits = beyond_the_table(search)
    if measures and search.retrains:
        from archsmith.steps.preload import preload

        preload()  # before the images are loaded, so that what measures can be forked
    data = _data(search)
    drawn = _samples(search, data, limits) if data and (search.retrains or limits) else []
    told = [*(data.summary() if data else ()), *([table.counted] if table else ())]
    warnings = [*(advice_on_data(search, data) if data else ()), *(advice_on_table(table) if table else ())]
    return {
        "id": uuid4().hex,  # tells this search from one of its name that was deleted before
        "began_at": began_at,
        "space": search.space.name,
        "decisions": [
            {
                "name": d.name,
                "choices": list(d.choices),
                "when": {k: list(v) for k, v in d.when.items()},
                "if_active": {k: list(v) for k, v in d.if_active.items()},
                "ordered": d.ordered,
            }
            for d in search.space.decisions
        ],
        "size": str(search.space.size()),
        "data": data.to_dict() if data else {},
        "table": table.to_dict() if table else None,
        "counted": told,
        "warnings": warnings,
        "samples": drawn,
        "time": _time(search, data, drawn) if measures and data else None,
        "table_digest": digest,
        "python": platform.python_version(),
    }


def _time(search: Search, data: DataFacts, samples: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return how long the search will take; None where nobody can say it, or it does not matter."""
    from archsmith.steps.durations import expect

    expected = expect(search, data, samples)
    return expected.to_dict() if expected else None


def _tell(explored: dict[str, Any]) -> None:
    """Say in the log what was found."""
    for line in explored["counted"]:
        log.info("%s", line)
    if explored["time"]:
        log.info("%s", explored["time"]["words"])
    for warning in explored["warnings"]:
        log.warning("%s", warning)


def _data(search: Search) -> DataFacts | None:
    """Return what is known of the images; None where there are none, and the settings do not say what they would be."""
    if search.spec.data is None:
        given = search.estimation.network_input
        return DataFacts(given[0], tuple(str(k) for k in range(given[1])), {}) if given else None
    from archsmith.steps.images import load_images

    dataset = load_images(search)
    n, estimation = len(dataset.train) + len(dataset.validation), search.estimation
    if isinstance(estimation, TrainConfig) and (estimation.folds or 0) > n:
        raise SpecError(
            f"spec.estimation.folds: the value is {estimation.folds}, but {n} images are there to train and validate on."
        )
    return dataset.facts


def _samples(search: Search, data: DataFacts, limits: Sequence[Objective]) -> list[dict[str, Any]]:
    """Draw architectures with their costs; raise where none of many keeps the limits."""
    from archsmith.models.cost import cost_of

    rng, tried, without = np.random.default_rng(search.spec.seed), 0, list[str]()
    drawn: list[tuple[Architecture, dict[str, int]]] = []
    some_keep = False  # whether one of them keeps the limits
    while tried < N_FEASIBLE and not (some_keep and len(drawn) >= N_SAMPLES):
        architecture, tried = search.space.sample(rng), tried + 1
        try:
            counted = cost_of(search.space, architecture, data.input_shape, len(data.classes))
        except UnbuildableError as error:  # it would be a failed trial
            without.append(str(error))
            continue
        costs = {"n_params": counted.n_params, "flops": counted.flops}
        drawn.append((architecture, costs))
        some_keep = some_keep or all(o.allows(costs[o.metric]) for o in limits)
    if without and drawn:
        log.warning("Of %d architectures, %d have no network for these images: %s", tried, len(without), without[0])
    if not drawn:
        raise SpecError(f"spec.space: none of {tried} architectures has a network for these images: {without[0]}")
    if some_keep:
        return [{"architecture": a.to_dict(), **c} for a, c in drawn[:N_SAMPLES]]
    lines = [
        f"{o.metric} must be {'<=' if o.sign < 0 else '>='} {o.limit:g}, but lies between "
        f"{min(c[o.metric] for _, c in drawn)} and {max(c[o.metric] for _, c in drawn)}"
        for o in limits
    ]
    raise SpecError(
        f"spec.objectives: none of {len(drawn)} architectures drawn from the space keeps the limits: {'; '.join(lines)}."
    )
