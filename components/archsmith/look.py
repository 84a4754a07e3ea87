"""A look at what a search needs, before it runs: its data or its table, its store, its GPUs. Nothing is written."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from archsmith.advice import advice, advice_on_kubeflow
from archsmith.automl import Choice
from archsmith.machine.container import n_cores
from archsmith.machine.waiting import WAITING
from archsmith.opening import going_on
from archsmith.runner import log_path, unwritable
from archsmith.search import Search
from archsmith.steps.choosing import chosen_for, look_around, plan_json
from archsmith.steps.sample_space import explore
from archsmith.steps.warm_start import known_of
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.values.durations import Durations


@dataclass(frozen=True, slots=True)
class Look:
    """What was found."""

    counted: tuple[str, ...]
    """What there is, a line each."""
    expected: tuple[str, ...]
    """How long the search will take on this machine, a sentence or two; empty where nobody can say it, or it is short."""
    warnings: tuple[str, ...]
    """What is hardly meant, or should be known; a sentence or two each."""


def look(search: Search, store: str) -> Look:
    """Look at what a search needs on this machine, with the functions of its steps.

    Args:
        search: The search.
        store: URI of its store.

    Raises:
        ArchsmithError: The search would fail at once; it is what `run` would say.
    """
    search = _look_at_store(search, store)
    if search.open:
        found = _foresee(search, time.time())
        return Look(found.counted, tuple(choice.words for choice in found.choices), found.warnings)
    on_machine = list(_machine(search))
    os.environ.update(WAITING)  # as in the processes that will train; torch reads it when it is loaded
    explored = explore(search, measures=True)
    if search.spec.warm_start is not None and SearchFolder(open_store(store), search.name).warm_start() is None:
        known = known_of(search, store)
        explored["counted" if known.architectures else "warnings"].append(known.said)
    expected = Durations.from_dict(explored["time"]).lines if explored["time"] else ()
    return Look(
        tuple(explored["counted"]), expected, (*advice(search), *advice_on_kubeflow(search), *explored["warnings"], *on_machine)
    )


@dataclass(frozen=True, slots=True)
class Foresight:
    """What would be chosen for an open search file."""

    counted: tuple[str, ...]
    """What there is, a line each."""
    warnings: tuple[str, ...]
    """What should be known of it."""
    choices: tuple[Choice, ...]
    """What would be chosen, and why."""
    seconds: Mapping[str, float]
    """Where the time would go."""
    file: str
    """The search file that would be chosen."""


def look_at_open(search: Search, store: str, began: float | None = None) -> Foresight:
    """Choose everything for an open search, on this machine, and write nothing.

    Args:
        search: An open search.
        store: URI of its store.
        began: When that was begun, in seconds since the epoch of Unix; now where it is left out.

    Raises:
        ArchsmithError: The search would fail at once.
    """
    _look_at_store(search, store)
    return _foresee(search, time.time() if began is None else began)


def _foresee(search: Search, began: float) -> Foresight:
    """Choose everything for an open search that begins."""
    on_machine = list(_machine(search))
    os.environ.update(WAITING)
    situation = look_around(search, began)
    chosen, made = chosen_for(search, situation)
    explored = explore(made)  # it raises where nothing keeps the limits
    seconds = plan_json(situation, chosen, 0.0)["seconds"]
    facts = situation.facts
    warnings = (*explored["warnings"], *on_machine)
    return Foresight(tuple(facts.summary()), warnings, chosen.choices, seconds, made.text)


def _look_at_store(search: Search, store: str) -> Search:
    """Return the search as it goes on there, or begins; raise where it can't be kept, or another one is."""
    folder = SearchFolder(open_store(store), search.name)
    before = going_on(folder, search, store)
    _check_writable(log_path(folder))
    return before or search


def _check_writable(log: Path) -> None:
    """Raise `PermanentError` where the log of a run could not be written; a folder is made and removed to try."""
    try:
        if log.exists():
            log.open("ab").close()
        else:
            tempfile.TemporaryDirectory(dir=next(p for p in log.absolute().parents if p.exists())).cleanup()
    except OSError as error:
        raise unwritable(log, error) from error


def _machine(search: Search) -> Iterator[str]:
    """Yield what this machine lacks; raises where it can't do without."""
    resources = search.spec.resources
    if search.estimation.looks_up and not search.retrains:
        return
    if resources.gpu:
        from archsmith.evaluation.device import device_of

        if not device_of(resources).is_cuda:
            yield f"`resources.gpu` is {resources.gpu}, but torch finds no GPU here; trials run on the CPU."
    cores = n_cores()
    for key, wanted in (("cpu", resources.cpu), ("workers", resources.workers)):
        if isinstance(wanted, int) and wanted > cores and not (key == "workers" and resources.gpu):
            yield f"`resources.{key}` is {wanted}, but this machine has {cores} core{'s' * (cores != 1)}."
