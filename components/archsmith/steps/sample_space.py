"""The first step: check the search against its data, and draw from its space, before anything costs time."""

import logging
import platform
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import numpy as np

from archsmith.advice import advice_on_data, advice_on_table
from archsmith.errors import SearchConflictError, SpecError
from archsmith.opening import parse_stored
from archsmith.search import Search, parse
from archsmith.spec import Objective, static_limits
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
    search = parse(text)
    folder = SearchFolder(open_store(store), search.name)
    before = folder.read_search()
    if before is not None:
        refuse_other(search, before, store)
    if before is None or not passed_over(folder.identity, log.warning):
        folder.write_json("space.json", explored := explore(search))
        _tell(explored)
    elif search.retrains:
        from archsmith.steps.images import load_images

        load_images(search, folder)  # it raises where they are other ones by now
    if before is None or parse(before).object != search.object or not folder.is_listed():
        folder.write_search(text)
    folder.mark(done=False)
    return search.name


def refuse_other(search: Search, before: str, store: str) -> None:
    """Raise `SearchConflictError` where the file `before`, of the same name, is that of a different search."""
    where = SearchFolder(open_store(store), search.name).uri("search.yaml")
    if changed := search.differences(parse_stored(before, where)):
        raise SearchConflictError(
            f"The store {store!r} holds another search named {search.name!r}. It differs in:\n  "
            + "\n  ".join(changed[:10])
            + "\nGive this one another `metadata.name`, or remove that one with `archsmith delete`."
        )


def explore(search: Search) -> dict[str, Any]:
    """Look at the space and at what candidates are measured on; return what is kept of it, ready for JSON.

    Raises:
        SpecError: No architecture keeps the limits.
        DataError: The images or the table are missing or can't be used.
    """
    began_at, limits, table, digest = time.time(), static_limits(search.spec.objectives), None, ""
    if search.estimation.looks_up:
        from archsmith.steps.table import beyond_the_table, table_digest, table_facts

        table, digest = table_facts(search), table_digest(search)  # they raise for a table that can't be used
        limits = beyond_the_table(search)
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
        "table_digest": digest,
        "python": platform.python_version(),
    }


def _tell(explored: dict[str, Any]) -> None:
    """Say in the log what was found."""
    for line in explored["counted"]:
        log.info("%s", line)
    for warning in explored["warnings"]:
        log.warning("%s", warning)


def _data(search: Search) -> DataFacts | None:
    """Return what is known of the images; None where there are none, and the settings do not say what they would be."""
    if search.spec.data is None:
        given = search.estimation.network_input
        return DataFacts(given[0], tuple(str(k) for k in range(given[1])), {}) if given else None
    from archsmith.steps.images import load_images

    return load_images(search).facts


def _samples(search: Search, data: DataFacts, limits: Sequence[Objective]) -> list[dict[str, Any]]:
    """Draw architectures with their costs; raise where none of many keeps the limits."""
    from archsmith.models.cost import cost_of

    rng = np.random.default_rng(search.spec.seed)
    drawn: list[tuple[Architecture, dict[str, int]]] = []
    while len(drawn) < N_FEASIBLE:
        architecture = search.space.sample(rng)
        counted = cost_of(search.space, architecture, data.input_shape, len(data.classes))
        drawn.append((architecture, {"n_params": counted.n_params, "flops": counted.flops}))
        if len(drawn) >= N_SAMPLES and any(all(o.allows(c[o.metric]) for o in limits) for _, c in drawn):
            return [{"architecture": a.to_dict(), **c} for a, c in drawn[:N_SAMPLES]]
    lines = [
        f"{o.metric} must be {'<=' if o.sign < 0 else '>='} {o.limit:g}, but lies between "
        f"{min(c[o.metric] for _, c in drawn)} and {max(c[o.metric] for _, c in drawn)}"
        for o in limits
    ]
    raise SpecError(
        f"spec.objectives: none of {len(drawn)} architectures drawn from the space keeps the limits: {'; '.join(lines)}."
    )
